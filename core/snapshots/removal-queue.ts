import { deleteTree } from "./delete-tree.ts";
import type { Logger } from "../ports/logger.ts";

/**
 * Deletes folders in the background, one at a time: nobody waits for them, and what others
 * want of the disk is to go before. Disposing of it stops; what is left over then has a name
 * by which the next start finds it.
 */
export class RemovalQueue implements AsyncDisposable {
  readonly #logger: Logger;
  readonly #waiting: string[] = [];
  /** Folders that could not be deleted. */
  readonly #failed = new Set<string>();
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor({ logger }: { readonly logger: Logger }) {
    this.#logger = logger;
  }

  add(path: string): void {
    this.#waiting.push(path);
    this.#start();
  }

  /** Tries again what failed, and waits until nothing is left that can be deleted. */
  async drain(): Promise<void> {
    this.#waiting.push(...this.#failed);
    this.#failed.clear();
    this.#start();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("The store is closed", "AbortError"));
    await this.#running;
  }

  #start(): void {
    if (this.#waiting.length > 0) this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let path = this.#waiting.shift(); path !== undefined; path = this.#waiting.shift()) {
      try {
        await deleteTree(path, { signal });
      } catch (error) {
        if (signal.aborted) return;
        this.#failed.add(path);
        this.#logger.warn("cannot delete the folder of a snapshot", { path, error });
      }
    }
    this.#running = undefined;
  }
}
