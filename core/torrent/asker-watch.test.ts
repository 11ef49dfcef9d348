import assert from "node:assert/strict";
import { test } from "node:test";

import { AskerWatch } from "./asker-watch.ts";

const theirTurn = { isOurTurn: false };

test("AskerWatch wants an extended handshake within 2 s", () => {
  const watch = new AskerWatch(1000);
  assert.equal(watch.lapse(2999, theirTurn), undefined);
  assert.equal(watch.lapse(3000, theirTurn)?.isOffence, true);
  watch.greeted();
  assert.equal(watch.lapse(3000, theirTurn), undefined);
});

test("AskerWatch finds a peer idle a minute after something of use, unless it waits for us", () => {
  const watch = new AskerWatch(0);
  watch.greeted();
  watch.used(10_000);
  assert.equal(watch.lapse(69_999, theirTurn), undefined);
  assert.equal(watch.lapse(500_000, { isOurTurn: true }), undefined);
  assert.deepEqual(watch.lapse(70_000, theirTurn), { reason: "idle", isOffence: false });
});
