import { once } from "node:events";

import { doneLine, readyLine } from "./peer-spec.ts";

/** Says that the peer is ready, and waits until it may begin. */
export async function waitForGo(): Promise<void> {
  const go = once(process, "SIGUSR2");
  // A signal alone keeps no process alive.
  const alive = setInterval(() => undefined, 60_000);
  process.stdout.write(`${readyLine}\n`);
  await go;
  clearInterval(alive);
}

/** Says that all is done, and waits until the process is told to end. */
export async function sayDone(checkedMs: number, durableMs: number): Promise<void> {
  process.stdout.write(`${doneLine(checkedMs, durableMs)}\n`);
  await waitForEnd();
}

/** Waits for SIGTERM. */
export async function waitForEnd(): Promise<void> {
  const alive = setInterval(() => undefined, 60_000);
  await once(process, "SIGTERM");
  clearInterval(alive);
}
