import { abortable } from "../core/async/deadline.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";

/** Longest turn: a slow registry keeps those that follow no longer than this. */
const turnMs = 100;

/**
 * Has fetches that begin together take turns with their first pieces.
 *
 * Nodes can pass on whole pieces only. Side by side, the first pieces of an image's layers are
 * all whole at the same time, when those of all of them have come; one after the other, the first
 * one is with its node by then.
 */
export class FirstPieces {
  /** Settles when the last one that asked has had its turn. Never rejects. */
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Resolves when it is this fetch's turn, which ends with the result's disposal, at the latest
   * 100 ms later.
   */
  async turn({ signal }: Cancellable): Promise<Disposable> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const end = () => resolve(undefined);
    this.#last = promise;
    try {
      await abortable(before, signal);
    } catch (error) {
      void before.then(end);
      throw error;
    }
    const timer = setTimeout(end, turnMs);
    return {
      [Symbol.dispose]: () => {
        clearTimeout(timer);
        end();
      },
    };
  }
}
