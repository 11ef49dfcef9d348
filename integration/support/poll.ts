import { setTimeout as delay } from "node:timers/promises";

/** How often a condition is looked at: soon enough for a person, seldom enough for 2 cores. */
const pollIntervalMs = 20;

export interface PollOptions {
  /** What is waited for, as an error message names it. */
  readonly what: string;
  readonly withinMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls `check` until it gives something other than `undefined` or `false`, and
 * gives that. For conditions of other processes that come with no event.
 *
 * @throws {Error} when that takes longer than `withinMs`.
 */
export async function pollUntil<T>(
  check: () => Promise<T | undefined | false>,
  { what, withinMs, signal }: PollOptions,
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    signal?.throwIfAborted();
    const value = await check();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`Waited ${withinMs} ms in vain for ${what}`);
    await delay(pollIntervalMs, undefined, { signal });
  }
}
