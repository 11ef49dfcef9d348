import { abortable, createDeadline } from "../../core/async/deadline.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";

/**
 * Waits for a result for as long as something moves on.
 *
 * @param options.progress A number that is another one when something has happened.
 * @returns `undefined` when nothing happened for `timeoutMs`.
 * @throws what `promise` rejects with, and the signal's reason.
 */
export async function whileProgressing<T>(
  promise: Promise<T>,
  options: Cancellable & { readonly progress: () => number; readonly timeoutMs: number },
): Promise<T | undefined> {
  const { progress, timeoutMs, signal } = options;
  for (let before = Number.NaN; progress() !== before;) {
    before = progress();
    const deadline = createDeadline(signal, timeoutMs);
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
