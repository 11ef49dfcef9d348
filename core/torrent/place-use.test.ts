import assert from "node:assert/strict";
import { test } from "node:test";

import { PlaceUse } from "./place-use.ts";

test("an asker of a blob that is known is idle from when it last asked, or took a block", () => {
  const use = new PlaceUse({ isGrowing: false, nowMs: 100 });
  assert.equal(use.idleMs(5100), 5000);
  use.asked(6000, { isLast: true });
  assert.equal(use.idleMs(7000), 1000);
  use.took(8000);
  assert.equal(use.idleMs(9000), 1000);
});

test("an asker of a growing blob is not idle before it is told of a piece", () => {
  const use = new PlaceUse({ isGrowing: true, nowMs: 0 });
  assert.equal(use.idleMs(50_000), 0);
  use.told(1, 50_000);
  assert.equal(use.idleMs(50_000), 0);
  assert.equal(use.idleMs(60_000), 10_000);
  use.told(1, 60_000);
  assert.equal(use.idleMs(60_000), 10_000, "news does not make up for what it leaves");
});

test("an asker of a growing blob that has asked for all it was told of waits for news", () => {
  const use = new PlaceUse({ isGrowing: true, nowMs: 0 });
  use.told(2, 0);
  use.asked(1000, { isLast: true });
  assert.equal(use.idleMs(3000), 2000, "there is another one");
  use.asked(4000, { isLast: false });
  assert.equal(use.idleMs(5000), 1000);
  use.asked(6000, { isLast: true });
  assert.equal(use.idleMs(90_000), 0);
  use.told(1, 90_000);
  assert.equal(use.idleMs(91_000), 1000);
});

test("an asker of a growing blob that asks for a piece twice has not asked for one that is to come", () => {
  const use = new PlaceUse({ isGrowing: true, nowMs: 0 });
  for (let time = 0; time < 3; time++) use.asked(0, { isLast: true });
  use.told(1, 0);
  assert.equal(use.idleMs(10_000), 10_000);
});
