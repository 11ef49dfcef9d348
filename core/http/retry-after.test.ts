import assert from "node:assert/strict";
import { test } from "node:test";

import { retryAfterMs } from "./retry-after.ts";

test("retryAfterMs() reads seconds and dates, within bounds", () => {
  assert.equal(retryAfterMs("2", 1), 2000);
  assert.equal(retryAfterMs(["0"], 1), 0);
  assert.equal(retryAfterMs("-5", 1), 0);
  assert.equal(retryAfterMs("86400", 1), 30_000);
  assert.equal(retryAfterMs("Wed, 21 Oct 2015 07:28:00 GMT", 1), 0);
  assert.equal(retryAfterMs("Wed, 21 Oct 2099 07:28:00 GMT", 1), 30_000);
});

test("retryAfterMs() grows with the attempts when the registry says nothing of use", () => {
  assert.equal(retryAfterMs(undefined, 1), 500);
  assert.equal(retryAfterMs(undefined, 3), 2000);
  assert.equal(retryAfterMs(undefined, 60), 30_000);
  assert.equal(retryAfterMs("soon", 1), 500);
});
