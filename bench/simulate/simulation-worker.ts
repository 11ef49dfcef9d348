/** Entry of the thread that simulates one crowd; see {@link simulateInThread}. */
import { parentPort, workerData } from "node:worker_threads";

import { simulateCrowd } from "./crowd.ts";
import type { Scenario } from "./scenario.ts";
import type { SimulationNews } from "./simulation-thread.ts";

const post = (news: SimulationNews) => parentPort?.postMessage(news);

const outcome = simulateCrowd(workerData as Scenario, {
  onProgress: (progress) => post({ type: "progress", progress }),
});
post({ type: "outcome", outcome });
