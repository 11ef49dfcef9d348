import { pause } from "../../core/async/pause.ts";

/** Milliseconds over which limits hold. */
const windowMs = 5000;

/** Milliseconds between two looks. */
const lookIntervalMs = 50;

/** The most and the least bytes of any window, as parts of what a limit allows. */
export interface FlowWindows {
  readonly most: number;
  readonly least: number;
}

/**
 * Looks at counters of bytes until one of them has reached `end`, and gives the extremes of all
 * windows of 5 s of their sum from the first byte on.
 *
 * @throws {RangeError} when that takes less than a window.
 */
export async function watchFlows(
  counters: readonly (() => number)[],
  options: {
    readonly end: number;
    readonly bytesPerSecond: number;
    readonly signal: AbortSignal;
  },
): Promise<FlowWindows> {
  const { end, bytesPerSecond, signal } = options;
  const looks: { readonly atMs: number; readonly bytes: number }[] = [];
  while (counters.every((counter) => counter() < end)) {
    const bytes = counters.reduce((sum, counter) => sum + counter(), 0);
    if (bytes > 0) looks.push({ atMs: performance.now(), bytes });
    await pause(lookIntervalMs, signal);
  }
  const parts = looks.flatMap((start) => {
    const last = looks.find(({ atMs }) => atMs >= start.atMs + windowMs);
    if (!last) return [];
    return (last.bytes - start.bytes) / (((last.atMs - start.atMs) / 1000) * bytesPerSecond);
  });
  if (parts.length === 0) throw new RangeError("Cannot measure: it took less than a window");
  return { most: Math.max(...parts), least: Math.min(...parts) };
}
