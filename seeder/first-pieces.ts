import { abortable, createDeadline } from "../core/async/deadline.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";

/** Longest turn: a slow registry keeps those that follow no longer than this. */
const turnMs = 100;

/** Longest wait for a turn: nodes go elsewhere for a layer that does not move. */
const waitMs = 300;

/**
 * Has fetches that begin together take turns with their first pieces.
 *
 * Nodes can pass on whole pieces only. Side by side, the first pieces of an image's layers are
 * all whole at the same time, when those of all of them have come; one after the other, the first
 * one is with its node by then.
 */
export class FirstPieces {
  /** By registry: settles when the last one that asked has had its turn. Never rejects. */
  readonly #last = new Map<string, Promise<unknown>>();

  /**
   * Resolves when it is this fetch's turn, which ends with the result's disposal, at the latest
   * 100 ms later; or when it has waited for 300 ms, and goes on beside the others.
   *
   * @param registry Fetches from others do not wait for it.
   */
  async turn(registry: string, { signal }: Cancellable): Promise<Disposable> {
    const before = this.#last.get(registry);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const mine = Promise.all([before, promise]);
    this.#last.set(registry, mine);
    void mine.then(() => {
      if (this.#last.get(registry) === mine) this.#last.delete(registry);
    });
    const end = () => resolve(undefined);
    try {
      await waitFor(before, { signal });
    } catch (error) {
      end();
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

/** Waits for a turn to end, but not for long. */
async function waitFor(
  before: Promise<unknown> | undefined,
  { signal }: Cancellable,
): Promise<void> {
  if (!before) return;
  const deadline = createDeadline(signal, waitMs);
  try {
    await abortable(before, deadline.signal);
  } catch {
    signal.throwIfAborted();
  } finally {
    deadline[Symbol.dispose]();
  }
}
