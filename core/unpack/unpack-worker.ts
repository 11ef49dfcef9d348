/** Entry of a thread that unpacks layers; see {@link UnpackThread}. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";

import { setThreadPriority } from "../async/thread-priority.ts";
import { inheritDirectories } from "./inherit-directories.ts";
import { LayerUnpack } from "./layer-unpack.ts";
import { shareOpenDescriptors } from "./open-descriptors.ts";
import type { UnpackProgress } from "../ports/layer-unpacker.ts";
import {
  type UnpackCommand,
  type UnpackEvent,
  type UnpackThreadData,
  failureFrom,
} from "./unpack-protocol.ts";

setThreadPriority("bulk");

interface Running {
  readonly unpack: LayerUnpack;
  isStopped: boolean;
}

const settings = workerData as UnpackThreadData;
shareOpenDescriptors(settings.openDescriptors);

/** In the order in which they came, which is the order of their right to work. */
const running = new Map<number, Running>();
let commandsSeen = 0;
let isWorking = false;

parentPort?.on("message", (command: UnpackCommand) => {
  commandsSeen++;
  void handle(command);
});

async function handle(command: UnpackCommand): Promise<void> {
  try {
    if (command.type === "inherit") await inherit(command);
    else onCommand(command);
  } catch (error) {
    post({ type: "failed", id: command.id, failure: failureFrom(error) });
  }
  await work();
}

function onCommand(command: Exclude<UnpackCommand, { type: "inherit" }>): void {
  const { id } = command;
  switch (command.type) {
    case "unpack": {
      const onProgress = (progress: UnpackProgress) => post({ type: "progress", id, progress });
      const unpack = new LayerUnpack(command.job, { ...settings, onProgress });
      running.set(id, { unpack, isStopped: false });
      break;
    }
    case "advance":
      running.get(id)?.unpack.advance(command.end);
      break;
    case "stop": {
      const stopped = running.get(id);
      if (stopped) stopped.isStopped = true;
      break;
    }
  }
}

/** Works until all layers wait for bytes. Commands are heard after each step. */
async function work(): Promise<void> {
  if (isWorking) return;
  isWorking = true;
  for (let next = nextId(); next !== undefined; next = nextId()) {
    await step(next);
    await nextTurn();
  }
  isWorking = false;
  post({ type: "hungry", commandsSeen });
}

function nextId(): number | undefined {
  for (const [id, { unpack, isStopped }] of running) {
    if (isStopped || !unpack.isWaiting) return id;
  }
  return undefined;
}

async function step(id: number): Promise<void> {
  const job = running.get(id);
  if (!job) return;
  try {
    if (job.isStopped) throw new Error("it is not wanted any more");
    const layer = await job.unpack.step();
    if (!layer) return;
    running.delete(id);
    job.unpack.close({ isDone: true });
    post({ type: "unpacked", id, layer });
  } catch (error) {
    running.delete(id);
    job.unpack.close({ isDone: false });
    post({ type: "failed", id, failure: failureFrom(error) });
  }
}

async function inherit(command: UnpackCommand & { type: "inherit" }): Promise<void> {
  await inheritDirectories(command.path, command.impliedDirectories, command.parents);
  post({ type: "inherited", id: command.id });
}

function post(event: UnpackEvent): void {
  parentPort?.postMessage(event);
}
