import assert from "node:assert/strict";
import { test } from "node:test";

import { WaitAllowance } from "./wait-allowance.ts";

const mebibyte = 1024 * 1024;

test("WaitAllowance lets bytes be late that come in good portions", () => {
  const allowance = new WaitAllowance({ stallTimeoutMs: 5000 });
  for (let count = 0; count < 100; count++) {
    allowance.spend({ waitedMs: 4900, bytes: mebibyte });
    assert.equal(allowance.isSpent, false);
  }
});

test("WaitAllowance is soon spent for bytes that come in drops", () => {
  const allowance = new WaitAllowance({ stallTimeoutMs: 5000 });
  allowance.spend({ waitedMs: 4900, bytes: 1000 });
  assert.equal(allowance.isSpent, false);
  allowance.spend({ waitedMs: 4900, bytes: 1000 });
  assert.equal(allowance.isSpent, true);
});
