import assert from "node:assert/strict";
import { test } from "node:test";

import { axisTicks, tickLabel } from "./axis-ticks.ts";

test("`axisTicks()` goes from 0 to the value or above, in steps that people read easily", () => {
  assert.deepEqual(axisTicks(37, 8), [0, 5, 10, 15, 20, 25, 30, 35, 40]);
  assert.deepEqual(axisTicks(16, 8), [0, 2, 4, 6, 8, 10, 12, 14, 16]);
  assert.deepEqual(axisTicks(1000, 4), [0, 250, 500, 750, 1000]);
});

test("`axisTicks()` gives few marks and covers the value, for any value", () => {
  for (let value = 0.001; value < 1e6; value *= 1.37) {
    const ticks = axisTicks(value, 8);
    assert(ticks.length >= 3 && ticks.length <= 9, `${ticks.length} for ${value}`);
    assert((ticks.at(-1) ?? 0) >= value * (1 - 1e-6), `${ticks.at(-1) ?? 0} for ${value}`);
  }
});

test("`axisTicks()` gives an axis also where there is nothing to show", () => {
  for (const value of [0, -1, Number.NaN]) assert.equal(axisTicks(value, 4).at(-1), 1);
});

test("`tickLabel()` is without the noise of binary fractions", () => {
  assert.equal(tickLabel(0.1 + 0.2), "0.3");
  assert.equal(tickLabel(2500), "2500");
});
