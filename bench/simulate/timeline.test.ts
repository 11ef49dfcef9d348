import assert from "node:assert/strict";
import { test } from "node:test";

import { seededRandom } from "../../core/testing/seeded-random.ts";
import { Timeline } from "./timeline.ts";

test("things happen in the order of their times, also those that lanes carry", () => {
  const timeline = new Timeline();
  const random = seededRandom(7);
  const lane = timeline.lane(3);
  const seen: number[] = [];
  const happen = (nowMs: number) => {
    seen.push(nowMs);
    lane.after({ happen: (laterMs) => seen.push(laterMs) });
  };
  for (let index = 0; index < 3000; index++) timeline.at(random() * 100, { happen });
  timeline.run({ untilMs: Infinity, isOver: () => seen.length === 6000 });
  assert.equal(seen.length, 6000);
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  );
});

test("it ends at a time or when it is over, and nothing may be left undone before", () => {
  const timeline = new Timeline();
  let count = 0;
  const happen = (nowMs: number) => {
    count++;
    if (nowMs < 50) timeline.at(nowMs + 10, { happen });
  };
  timeline.at(10, { happen });
  timeline.run({ untilMs: 25, isOver: () => false });
  assert.equal(count, 2);
  timeline.run({ untilMs: 1000, isOver: () => count === 3 });
  assert.equal(timeline.nowMs, 30);
  assert.throws(() => timeline.run({ untilMs: Infinity, isOver: () => count > 10 }), RangeError);
});
