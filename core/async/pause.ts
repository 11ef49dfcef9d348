import { setTimeout as sleep } from "node:timers/promises";

/** Waits between two tries of something. @throws the signal's reason */
export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(durationMs, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
}
