import assert from "node:assert/strict";
import { test } from "node:test";

import { judge, verdictLine, type Figure } from "./figure.ts";

const speed: Figure = {
  name: "swarm.webtorrent",
  unit: "MB/s",
  ours: [300, 100, 310],
  reference: [150, 50, 100],
  hold: { atLeast: 1.5 },
};

test("`judge()` compares round by round, so a slow minute counts for both sides", () => {
  const { ratio, ours, reference, ok } = judge(speed);
  assert.deepEqual(ratio, { median: 2, min: 2, max: 3.1, count: 3 });
  assert.equal(ours.median, 300);
  assert.equal(reference?.median, 100);
  assert.equal(ok, true);
});

test("`judge()` holds a bound exactly", () => {
  assert.equal(judge({ ...speed, hold: { atLeast: 2 } }).ok, true);
  assert.equal(judge({ ...speed, hold: { atLeast: 2.01 } }).ok, false);
  assert.equal(judge({ ...speed, hold: { atMost: 2 } }).ok, true);
  assert.equal(judge({ ...speed, hold: { atMost: 1.99 } }).ok, false);
});

test("`judge()` bounds the value itself where there is no reference", () => {
  const latency: Figure = { name: "latency.info", unit: "ms", ours: [4, 6], hold: { atMost: 5 } };
  assert.equal(judge(latency).ok, true);
  assert.equal(judge({ ...latency, ours: [4, 7] }).ok, false);
});

test("`judge()` lets a figure without a bound be", () => {
  assert.equal(judge({ name: "swarm.rss", unit: "MiB", ours: [1] }).ok, true);
});

test("`judge()` does not take a round that went wrong for a good one", () => {
  assert.equal(judge({ ...speed, ours: [0], reference: [0] }).ok, false);
  assert.throws(() => judge({ ...speed, ours: [1] }), RangeError);
  assert.throws(() => judge({ ...speed, ours: [], reference: [] }), RangeError);
});

test("`verdictLine()` has every key, with null for what does not apply", () => {
  assert.deepEqual(JSON.parse(verdictLine(judge(speed))), {
    name: "swarm.webtorrent",
    ours: 300,
    reference: 100,
    unit: "MB/s",
    ratio: 2,
    hold: ">= 1.5",
    ok: true,
  });
  const latency: Figure = { name: "latency.info", unit: "ms", ours: [4], hold: { atMost: 5 } };
  assert.deepEqual(JSON.parse(verdictLine(judge(latency))), {
    name: "latency.info",
    ours: 4,
    reference: null,
    unit: "ms",
    ratio: null,
    hold: "<= 5 ms",
    ok: true,
  });
});
