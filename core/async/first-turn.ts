import { createDeadline, type Deadline } from "./deadline.ts";
import type { Limiter } from "./limiter.ts";

/** Work that waits in several lines, and is done once, when its turn comes in one of them. */
export class FirstTurn {
  readonly #work: () => Promise<void>;
  readonly #waiting: Deadline;
  readonly #lines = new Set<Limiter>();
  readonly #done = Promise.withResolvers<undefined>();
  #hasBegun = false;

  /** @param options.signal Ends the wait; the work has to look at it by itself. */
  constructor(work: () => Promise<void>, { signal }: { readonly signal: AbortSignal }) {
    this.#work = work;
    this.#waiting = createDeadline(signal);
    this.#done.promise.catch(() => undefined);
  }

  /** Takes a place in a line more; nothing where it has one, or after the work has begun. */
  waitIn(line: Limiter): void {
    if (this.#hasBegun || this.#lines.has(line)) return;
    this.#lines.add(line);
    line.run(this.#waiting.signal, () => this.#begin()).catch((error: unknown) => this.#end(error));
  }

  /**
   * Resolves when the work is done.
   *
   * @throws what the work throws, or the signal's reason when it was aborted before its turn
   */
  async finished(): Promise<void> {
    await this.#done.promise;
  }

  async #begin(): Promise<void> {
    // In another line it was its turn in the same moment.
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#waiting.abort();
    this.#waiting[Symbol.dispose]();
    await this.#work().then(() => this.#done.resolve(undefined), this.#done.reject);
  }

  /** The wait in a line was aborted: by its owner, or because another line was faster. */
  #end(error: unknown): void {
    if (this.#hasBegun) return;
    this.#waiting[Symbol.dispose]();
    this.#done.reject(error);
  }
}
