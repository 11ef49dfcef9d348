import { Worker } from "node:worker_threads";

import { abortable } from "../../core/async/deadline.ts";
import type { CrowdOutcome, CrowdProgress } from "./crowd.ts";
import type { Scenario } from "./scenario.ts";

/** What the thread tells. */
export type SimulationNews =
  | { readonly type: "progress"; readonly progress: CrowdProgress }
  | { readonly type: "outcome"; readonly outcome: CrowdOutcome };

/**
 * MiB of its heap, of which a host needs a quarter to a half: by default it would be 4 GiB. Much of
 * what is made lives for less than a simulated millisecond, so that a large young part saves looking
 * at the old one.
 */
const heapLimits = { maxOldGenerationSizeMb: 12 * 1024, maxYoungGenerationSizeMb: 96 } as const;

/**
 * Has a crowd get its blobs in a thread of its own, which can be ended at any time.
 *
 * @throws the signal's reason, when it is aborted before the crowd's end
 */
export async function simulateInThread(
  scenario: Scenario,
  {
    signal,
    onProgress,
  }: { readonly signal: AbortSignal; readonly onProgress: (progress: CrowdProgress) => void },
): Promise<CrowdOutcome> {
  signal.throwIfAborted();
  const url = new URL("./simulation-worker.ts", import.meta.url);
  const worker = new Worker(url, { workerData: scenario, resourceLimits: heapLimits });
  try {
    return await abortable(outcomeOf(worker, onProgress), signal);
  } finally {
    await worker.terminate();
  }
}

function outcomeOf(
  worker: Worker,
  onProgress: (progress: CrowdProgress) => void,
): Promise<CrowdOutcome> {
  return new Promise((resolve, reject) => {
    worker.on("message", (news: SimulationNews) => {
      if (news.type === "outcome") resolve(news.outcome);
      else onProgress(news.progress);
    });
    worker.on("error", reject);
    worker.on("exit", () => reject(new Error("Cannot simulate: the thread has ended")));
  });
}
