import { setTimeout as delay } from "node:timers/promises";

/** How often a condition is looked at: soon enough for a person, seldom enough for 2 cores. */
const defaultIntervalMs = 20;

export interface PollOptions {
  /** What is waited for, as an error message names it. */
  readonly what: string;
  readonly withinMs: number;
  /** Milliseconds between two looks: more where each of them costs what is measured. */
  readonly intervalMs?: number | undefined;
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
  { what, withinMs, intervalMs = defaultIntervalMs, signal }: PollOptions,
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    signal?.throwIfAborted();
    const value = await check();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`Waited ${withinMs} ms in vain for ${what}`);
    await delay(intervalMs, undefined, { signal });
  }
}
