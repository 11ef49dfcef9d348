import assert from "node:assert/strict";
import { test } from "node:test";

import { median, percentile, summarise } from "./statistics.ts";

test("`median()` is the middle value, or lies between the middle two", () => {
  assert.equal(median([10, 9, 100]), 10);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([7]), 7);
});

test("`median()` compares numbers as numbers and leaves its argument alone", () => {
  const values = [100, 20, 3];
  assert.equal(median(values), 20);
  assert.deepEqual(values, [100, 20, 3]);
});

test("`percentile()` interpolates between neighbours", () => {
  const values = Array.from({ length: 101 }, (_, index) => index);
  assert.equal(percentile(values, 0), 0);
  assert.equal(percentile(values, 0.99), 99);
  assert.equal(percentile(values, 1), 100);
  assert.equal(percentile([0, 10], 0.25), 2.5);
});

test("`percentile()` refuses what has no answer", () => {
  assert.throws(() => percentile([], 0.5), RangeError);
  assert.throws(() => percentile([1], 1.5), RangeError);
  assert.throws(() => percentile([1], Number.NaN), RangeError);
});

test("`summarise()` gives the median and the extremes", () => {
  assert.deepEqual(summarise([3, 1, 2]), { median: 2, min: 1, max: 3, count: 3 });
});
