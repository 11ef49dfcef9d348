import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";

/**
 * Niceness of threads. containerd waits inside the lock of its database for the thread
 * that answers it; a piece of a blob can wait for a moment.
 */
const niceness = { answers: -5, bulk: 5 } as const;

/**
 * Says what this thread is for, so that on a busy machine answers go before bulk work.
 * Linux knows the niceness of each thread by itself; threads made later begin with the
 * one of their maker. Where it may not or cannot be set, nothing changes.
 */
export function setThreadPriority(use: keyof typeof niceness): void {
  try {
    const thread = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
    if (Number.isSafeInteger(thread) && thread > 0) setPriority(thread, niceness[use]);
  } catch {
    // Not root, not Linux, or no /proc: the scheduler decides.
  }
}
