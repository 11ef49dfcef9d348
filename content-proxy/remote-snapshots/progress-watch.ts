import { abortable, createDeadline } from "../../core/async/deadline.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";

/**
 * Waits for a result for as long as something moves on.
 *
 * @param options.progress A number that is another one when something has happened.
 * @param options.limitMs How long it may take in all, also when something moves on.
 * @returns `undefined` when nothing happened for `timeoutMs`, or all took too long.
 * @throws what `promise` rejects with, and the signal's reason.
 */
export async function whileProgressing<T>(
  promise: Promise<T>,
  options: Cancellable & {
    readonly progress: () => number;
    readonly timeoutMs: number;
    readonly limitMs: number;
  },
): Promise<T | undefined> {
  const { progress, timeoutMs, limitMs, signal } = options;
  const endMs = performance.now() + limitMs;
  for (let before = Number.NaN; progress() !== before;) {
    before = progress();
    const restMs = endMs - performance.now();
    if (restMs <= 0) return undefined;
    const deadline = createDeadline(signal, Math.min(timeoutMs, restMs));
    try {
      return await abortable(promise, deadline.signal);
    } catch (error) {
      if (!deadline.signal.aborted) throw error;
      signal.throwIfAborted();
    } finally {
      deadline[Symbol.dispose]();
    }
  }
  return undefined;
}
