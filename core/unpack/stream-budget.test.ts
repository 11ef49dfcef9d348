import assert from "node:assert/strict";
import { test } from "node:test";

import { LayerFormatError } from "../errors.ts";
import { StreamBudget } from "./stream-budget.ts";

const mebibyte = 1024 * 1024;
const limits = { entriesMax: 1, tarSizeMax: 2048 * mebibyte, ratioMax: 10 };

test("a tar stream may be as long as is allowed, and no longer", () => {
  const budget = new StreamBudget(limits);
  budget.take(2048 * mebibyte, { bytesRead: 1024 * mebibyte });
  assert.equal(budget.tarSize, 2048 * mebibyte);
  assert.throws(() => budget.take(1, { bytesRead: 1024 * mebibyte }), LayerFormatError);
});

test("a long tar stream may be so many times its blob, and no more", () => {
  const budget = new StreamBudget(limits);
  budget.take(1000 * mebibyte, { bytesRead: 100 * mebibyte });
  assert.throws(() => budget.take(1, { bytesRead: 100 * mebibyte }), LayerFormatError);
});

test("a short tar stream may come of a blob of any size", () => {
  const budget = new StreamBudget(limits);
  budget.take(256 * mebibyte, { bytesRead: 1 });
  assert.throws(() => budget.take(1, { bytesRead: 1 }), LayerFormatError);
});
