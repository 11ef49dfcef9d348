import assert from "node:assert/strict";
import { test } from "node:test";

import { SystemClock } from "./system-clock.ts";

test("SystemClock.now() never repeats and stays with the wall clock", () => {
  const clock = new SystemClock();
  let last = 0n;
  for (let count = 0; count < 10_000; count++) {
    const before = BigInt(Date.now()) * 1_000_000n;
    const now = clock.now();
    const after = BigInt(Date.now() + 1) * 1_000_000n;
    assert.ok(now > last);
    assert.ok(now >= before - 3_000_000n && now <= after + 3_000_000n);
    last = now;
  }
});
