import { pause } from "../async/pause.ts";
import type { Logger } from "../ports/logger.ts";
import type { StoredSnapshot } from "./stored-snapshot.ts";

/**
 * How long a committed snapshot waits before its files are synced, in milliseconds. While an
 * image is unpacked the disk has better to do, and one sync then does for all its layers.
 */
const settleDelayMsDefault = 5000;

/** What {@link Settling} works with. */
export interface SettlingDeps {
  /** Puts on disk all that was written until now. */
  readonly sync: () => Promise<void>;
  /** Finds out what is not known of a snapshot yet, and notes that it is on disk. */
  readonly settle: (snapshot: StoredSnapshot) => Promise<void>;
  readonly delayMs?: number;
  readonly logger: Logger;
}

/**
 * Does for committed snapshots, in the background, what a commit does not wait for:
 * containerd commits inside a transaction of its database.
 */
export class Settling implements AsyncDisposable {
  readonly #deps: SettlingDeps;
  readonly #stop = new AbortController();
  #due: StoredSnapshot[] = [];
  /** Records on their way to the disk. */
  readonly #records = new Set<Promise<void>>();
  #running: Promise<void> | undefined;

  constructor(deps: SettlingDeps) {
    this.#deps = deps;
  }

  /** @param options `after`: ends when its record is on disk; a failure is looked at here. */
  add(snapshot: StoredSnapshot, { after }: { readonly after?: Promise<void> } = {}): void {
    if (after) this.#watch(snapshot, after);
    this.#due.push(snapshot);
    this.#running ??= this.#run();
  }

  /** Stops; what is due is due again after the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("The store is closed", "AbortError"));
    await Promise.all([this.#running, ...this.#records]);
  }

  #watch({ record: { name } }: StoredSnapshot, onDisk: Promise<void>): void {
    const watched = onDisk
      .catch((error: unknown) => {
        this.#deps.logger.error("a snapshot may be lost", { snapshot: name, error });
      })
      .finally(() => this.#records.delete(watched));
    this.#records.add(watched);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { delayMs = settleDelayMsDefault, logger } = this.#deps;
    try {
      while (this.#due.length > 0) {
        await pause(delayMs, signal);
        const due = this.#due;
        this.#due = [];
        await this.#deps.sync();
        for (const snapshot of due) await this.#settle(snapshot);
      }
    } catch (error) {
      // They count as not synced until the next start.
      if (!signal.aborted) logger.error("cannot sync committed snapshots", { error });
    } finally {
      this.#running = undefined;
    }
  }

  async #settle(snapshot: StoredSnapshot): Promise<void> {
    const { signal } = this.#stop;
    signal.throwIfAborted();
    try {
      await this.#deps.settle(snapshot);
    } catch (error) {
      signal.throwIfAborted();
      const { name } = snapshot.record;
      this.#deps.logger.warn("cannot settle a committed snapshot", { snapshot: name, error });
    }
  }
}
