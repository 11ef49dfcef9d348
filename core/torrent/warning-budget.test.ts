import assert from "node:assert/strict";
import { test } from "node:test";

import { WarningBudget } from "./warning-budget.ts";

test("WarningBudget lets 50 lines pass in 10 s, and tells how many it dropped", () => {
  let nowMs = 0;
  const budget = new WarningBudget(() => nowMs);
  for (let line = 0; line < 50; line++) assert.equal(budget.spend(), 0);
  for (let line = 0; line < 7; line++) assert.equal(budget.spend(), undefined);
  nowMs = 9999;
  assert.equal(budget.spend(), undefined);
  nowMs = 10_000;
  assert.equal(budget.spend(), 8);
  assert.equal(budget.spend(), 0);
});
