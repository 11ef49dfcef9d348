import { createDeadline } from "../async/deadline.ts";
import { Notifier } from "../async/notifier.ts";
import { pause } from "../async/pause.ts";
import { retryPauseMs } from "../async/retry-pause.ts";
import type { Digest } from "../digest.ts";
import { codeOf } from "../errors.ts";
import type { Metainfo } from "../metainfo.ts";
import type { Logger } from "../ports/logger.ts";
import type { DirectoryService } from "./directory-service.ts";

/** What {@link PublishQueue} works with. */
export interface PublishQueueDeps {
  readonly service: DirectoryService;
  /** What we hold and publish; bounded by its owner. What is not there any more is skipped. */
  readonly holdings: PublishedHoldings;
  readonly logger: Logger;
  /** Gives a number in [0, 1). */
  readonly random: () => number;
}

/** The metainfo of the blobs that we hold. */
export interface PublishedHoldings {
  peek(digest: Digest): Metainfo | undefined;
  keys(): Iterable<Digest>;
}

/**
 * Milliseconds, about, between two signs of life that a tracker is asked for while there
 * is nothing to publish: one that was restarted has forgotten the directory.
 */
const heartbeatMs = 30_000;

/** Tells one tracker of the blobs that we hold: one at a time, again after failures. */
export class PublishQueue implements AsyncDisposable {
  readonly #deps: PublishQueueDeps;
  readonly #logger: Logger;
  readonly #pending = new Set<Digest>();
  readonly #changed = new Notifier();
  readonly #ended = new AbortController();
  readonly #running: Promise<void>;
  #generation: string | undefined;

  constructor(deps: PublishQueueDeps) {
    this.#deps = deps;
    this.#logger = deps.logger.with({ tracker: deps.service.url });
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#ended.signal.aborted) throw error;
    });
  }

  /** Blobs that the tracker was not told of yet. */
  get size(): number {
    return this.#pending.size;
  }

  add(digest: Digest): void {
    this.#pending.add(digest);
    this.#changed.notify();
  }

  /** To be called when the service may have answered: publishes anew what it has forgotten. */
  look(): void {
    const { service, holdings, random } = this.#deps;
    if (service.generation === this.#generation) return;
    const isFirst = this.#generation === undefined;
    this.#generation = service.generation;
    if (isFirst) return;
    this.#logger.info("tracker was restarted, publishing again");
    // In any order, so that many nodes together bring back the whole directory soon.
    for (const digest of shuffled([...holdings.keys()], random)) this.#pending.add(digest);
    this.#changed.notify();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#running;
    this.#pending.clear();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    for (let failures = 0; ;) {
      const done = await this.#step(signal);
      this.look();
      failures = done ? 0 : failures + 1;
      if (!done) await pause(retryPauseMs(failures, this.#deps.random), signal);
    }
  }

  /** Publishes one, or waits for one and at last for a sign of life. @returns whether that went well */
  async #step(signal: AbortSignal): Promise<boolean> {
    const { service } = this.#deps;
    const [digest] = this.#pending;
    try {
      if (digest !== undefined) await this.#publish(digest, signal);
      else if (!(await this.#wait(signal))) await service.check({ signal });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      this.#logger.debug("cannot reach tracker", { code: codeOf(error) });
      return false;
    }
  }

  async #publish(digest: Digest, signal: AbortSignal): Promise<void> {
    const metainfo = this.#deps.holdings.peek(digest);
    if (metainfo) {
      const outcome = await this.#deps.service.publish(metainfo, { signal });
      if (outcome === "refused") this.#logger.warn("tracker refuses metainfo", { digest });
    }
    this.#pending.delete(digest);
  }

  /** @returns whether there is something to publish, before the time of a heartbeat */
  async #wait(signal: AbortSignal): Promise<boolean> {
    const deadline = createDeadline(signal, heartbeatMs * (0.5 + this.#deps.random()));
    try {
      await this.#changed.changed(deadline.signal);
      return true;
    } catch {
      signal.throwIfAborted();
      return false;
    } finally {
      deadline[Symbol.dispose]();
    }
  }
}

/** The items in random order (Fisher and Yates). */
function shuffled<T>(items: T[], random: () => number): T[] {
  for (let index = items.length - 1; index > 0; index--) {
    const drawn = Math.floor(random() * (index + 1));
    const [here, there] = [items[index], items[drawn]];
    if (here === undefined || there === undefined) continue;
    [items[index], items[drawn]] = [there, here];
  }
  return items;
}
