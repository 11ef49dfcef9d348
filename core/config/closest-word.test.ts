import assert from "node:assert/strict";
import { test } from "node:test";

import { closestWord } from "./closest-word.ts";

const keys = ["listen", "budgetBytes", "announceIntervalMs", "a"];

test("closestWord() finds the word that a typo was meant to be", () => {
  assert.equal(closestWord("lisen", keys), "listen");
  assert.equal(closestWord("budget_bytes", keys), "budgetBytes");
  assert.equal(closestWord("announceInterval", keys), "announceIntervalMs");
  assert.equal(closestWord("budget", keys), "budgetBytes");
});

test("closestWord() finds nothing when nothing is near", () => {
  assert.equal(closestWord("password", keys), undefined);
  assert.equal(closestWord("x".repeat(1000), keys), undefined);
  assert.equal(closestWord("listen", []), undefined);
});
