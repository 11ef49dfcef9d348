import assert from "node:assert/strict";
import { test } from "node:test";

import { MoveWatch } from "./move-watch.ts";

test("MoveWatch has a download leave when it is told three times, and nothing came in between", () => {
  const watch = new MoveWatch();
  const told = [0, 0, 100, 100, 200, 200, 200].map((bytes) => watch.told(bytes));
  assert.deepEqual(told, [false, false, false, false, false, false, true]);
});
