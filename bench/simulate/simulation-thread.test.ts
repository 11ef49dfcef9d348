import assert from "node:assert/strict";
import { test } from "node:test";

import { simulateCrowd } from "./crowd.ts";
import type { Scenario } from "./scenario.ts";
import { simulateInThread } from "./simulation-thread.ts";

const small: Scenario = {
  ...{ hostCount: 4, blobSizes: [8e6], bytesPerSecond: 10e6, seederCount: 1, trackerCount: 1 },
  ...{ latencyMs: 0.5, seed: 1 },
};

const onProgress = () => undefined;

test("a crowd has the same outcome in a thread of its own", async () => {
  const { signal } = new AbortController();
  const outcome = await simulateInThread(small, { signal, onProgress });
  assert.deepEqual(outcome, simulateCrowd(small));
});

test("a crowd of hours tells how far it is, and is ended when nobody wants it any more", async () => {
  const ending = new AbortController();
  const large = { ...small, hostCount: 500, blobSizes: [3e9], bytesPerSecond: 300e6 };
  const reason = new Error("enough");
  const running = simulateInThread(large, {
    signal: ending.signal,
    onProgress: ({ doneHosts, timeMs }) => {
      assert.equal(doneHosts, 0);
      assert.ok(timeMs > 0);
      ending.abort(reason);
    },
  });
  await assert.rejects(running, reason);
});
