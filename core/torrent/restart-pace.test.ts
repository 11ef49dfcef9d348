import assert from "node:assert/strict";
import { test } from "node:test";

import { RestartPace } from "./restart-pace.ts";

test("RestartPace restarts at once, and then at most once in 10 s", () => {
  const pace = new RestartPace();
  assert.equal(pace.delayMs(5), 0);
  assert.equal(pace.delayMs(1005), 9000);
  assert.equal(pace.delayMs(10_005), 10_000);
  assert.equal(pace.delayMs(40_000), 0);
});
