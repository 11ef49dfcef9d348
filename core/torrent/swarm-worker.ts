/** Entry of the thread in which the engine lives; see {@link TorrentSwarm}. */
import { parentPort, workerData } from "node:worker_threads";

import { SwarmEngine } from "./swarm-engine.ts";
import {
  type EngineSettings,
  type SwarmCommand,
  type SwarmEvent,
  failureFrom,
} from "./worker-protocol.ts";
import { setThreadPriority } from "../async/thread-priority.ts";

setThreadPriority("bulk");

const post = (event: SwarmEvent) => parentPort?.postMessage(event);

try {
  const engine = await SwarmEngine.open({
    settings: workerData as EngineSettings,
    post,
    now: () => performance.now(),
    random: () => Math.random(),
  });
  parentPort?.on("message", (command: SwarmCommand) => {
    if (command.type !== "close") {
      engine.handle(command);
      return;
    }
    void engine[Symbol.asyncDispose]().then(() => parentPort?.close());
  });
} catch (error) {
  post({ type: "broken", failure: failureFrom(error) });
}
