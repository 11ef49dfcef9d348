import assert from "node:assert/strict";
import { test } from "node:test";

import { StallTimer } from "./stall-timer.ts";

test("StallTimer tells of a source that owes bytes and gave none for the bound", () => {
  const timer = new StallTimer(1500);
  assert.equal(timer.isStalled(10_000), false);
  timer.restart(10_000);
  assert.equal(timer.isStalled(11_499), false);
  assert.equal(timer.isStalled(11_500), true);
  assert.equal(timer.silentMs(11_500), 1500);
  timer.stop();
  assert.equal(timer.isStalled(20_000), false);
});

test("StallTimer takes single bytes for no sign of life, and enough of them for one", () => {
  const timer = new StallTimer(1500);
  timer.restart(0);
  for (let nowMs = 100; nowMs <= 1500; nowMs += 100) timer.came(200, nowMs);
  assert.equal(timer.isStalled(1500), true);
  timer.came(1096, 1600);
  assert.equal(timer.isStalled(1600), false);
  timer.came(4095, 3000);
  assert.equal(timer.isStalled(3100), true);
});
