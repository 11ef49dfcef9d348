import assert from "node:assert/strict";
import { test } from "node:test";

import { completionCurve, doneSeconds } from "./crowd-curves.ts";
import type { CrowdResult } from "./crowd-once.ts";
import { describeCrowd } from "./describe-crowd.ts";

function crowdOf(...doneMs: readonly (number | undefined)[]): CrowdResult {
  const nodes = doneMs.map((each, index) => {
    return { name: `node${index + 1}`, doneMs: each, report: undefined };
  });
  return { nodes, seederSentBytes: 2e6, processorShare: 0.5 };
}

test("`doneSeconds()` counts a node that was not done as one that took all the time given", () => {
  assert.deepEqual(doneSeconds(crowdOf(1500, undefined), 60), [1.5, 60]);
});

test("`completionCurve()` is of all rounds, and knows of nodes that were not done", () => {
  assert.deepEqual(completionCurve("ours", [crowdOf(1000, undefined), crowdOf(3000, 2000)]), {
    ...{ name: "ours", doneSeconds: [1, 3, 2], nodeCount: 4 },
  });
});

test("`describeCrowd()` says how many were done and when, also of engines that report no more", () => {
  const text = describeCrowd(crowdOf(1000, 3000, undefined));
  assert.match(text, /^2 of 3 done, after 1\.0\/2\.0\/3\.0 s, the seeder sent 2 MB, 50 %/);
  assert.match(describeCrowd(crowdOf(undefined)), /^0 of 1 done, after – s/);
});
