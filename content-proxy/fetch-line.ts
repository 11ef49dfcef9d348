import { abortable } from "../core/async/deadline.ts";
import { Limiter } from "../core/async/limiter.ts";
import type { Credential } from "../core/credential.ts";
import type { Digest } from "../core/digest.ts";
import { codeOf } from "../core/errors.ts";
import type { BlobReader } from "../core/ports/blob-store.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { Arrival } from "./arrival.ts";
import { type Arrivals, isFetchable } from "./arrivals.ts";
import type { BlobLookup } from "./blob-lookup.ts";

/** Blobs that wait at once: an image may have a thousand layers. More are not fetched ahead. */
const waitingMax = 1000;

/**
 * How long a blob waits for its turn: as long as a download goes on that nobody asks for. A
 * pull that was given up, or that needs no layer, fetches no more than that.
 */
const waitMaxMs = 60_000;

/** Look-ups at once: as many as there are connections to a tracker. */
const lookupsMax = 8;

/** What a {@link FetchLine} works with. */
export interface FetchLineDeps {
  readonly store: Pick<BlobReader, "find">;
  readonly arrivals: Arrivals;
  readonly lookup: Pick<BlobLookup, "findAhead">;
  readonly logger: Logger;
  /** No blob is fetched ahead while so many arrive. */
  readonly downloadsMax: number;
}

/** A blob that may be wanted soon. */
export interface AheadBlob {
  readonly digest: Digest;
  readonly size: number;
  /** Of the client that wants it. */
  readonly authorization: Credential | undefined;
}

/**
 * Blobs that are fetched before anybody asks: a few at once, the others in their order. What
 * waits is looked up meanwhile, so that whoever asks first finds it known.
 */
export class FetchLine implements AsyncDisposable {
  readonly #deps: FetchLineDeps;
  readonly #stop = new AbortController();
  readonly #waiting = new Map<Digest, AheadBlob & { readonly timer: NodeJS.Timeout }>();
  readonly #lookups = new Limiter(lookupsMax);
  readonly #tasks = new Set<Promise<void>>();
  #isServing = false;

  constructor(deps: FetchLineDeps) {
    this.#deps = deps;
  }

  /** Fetches a blob, or has it wait; gives its arrival if that is under way. */
  add(blob: AheadBlob): Arrival | undefined {
    const { arrivals, downloadsMax } = this.#deps;
    if (!this.#isWanted(blob)) return undefined;
    const hasRoom = arrivals.count < downloadsMax && this.#waiting.size === 0;
    if (hasRoom || arrivals.find(blob.digest)) return this.#start(blob);
    if (this.#waiting.has(blob.digest) || this.#waiting.size >= waitingMax) return undefined;
    const timer = setTimeout(() => this.#waiting.delete(blob.digest), waitMaxMs).unref();
    this.#waiting.set(blob.digest, { ...blob, timer });
    this.#own(this.#lookUp(blob));
    if (!this.#isServing) this.#own(this.#serve());
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
    await Promise.all(this.#tasks);
  }

  #isWanted({ digest, size }: AheadBlob): boolean {
    if (this.#stop.signal.aborted || this.#deps.arrivals.isClosed) return false;
    return isFetchable(digest) && size > 0 && !this.#deps.store.find(digest);
  }

  #start(blob: AheadBlob): Arrival {
    const { arrivals } = this.#deps;
    const arrival = arrivals.start({ ...blob, promised: false });
    // Not for us to keep going for long: who pulls claims it, or it ends.
    arrivals.claim(blob.digest)[Symbol.dispose]();
    return arrival;
  }

  /** Starts who waits longest whenever there is room, until nobody waits. Never rejects. */
  async #serve(): Promise<void> {
    const { arrivals, downloadsMax } = this.#deps;
    this.#isServing = true;
    try {
      for (;;) {
        const [next] = this.#waiting.values();
        if (!next) return;
        if (arrivals.count < downloadsMax) {
          clearTimeout(next.timer);
          this.#waiting.delete(next.digest);
          if (this.#isWanted(next)) this.#start(next);
          continue;
        }
        const ends = [...arrivals].map((arrival) => arrival.settled());
        await abortable(Promise.race(ends), this.#stop.signal);
      }
    } catch {
      // It is being disposed of.
    } finally {
      this.#isServing = false;
    }
  }

  /** Never rejects: who asks then looks it up anew. */
  async #lookUp({ digest, size }: AheadBlob): Promise<void> {
    const { signal } = this.#stop;
    try {
      await this.#lookups.run(signal, async () => {
        if (this.#waiting.has(digest)) await this.#deps.lookup.findAhead(digest, { size, signal });
      });
    } catch (error) {
      this.#deps.logger.debug("cannot look up ahead", { digest, code: codeOf(error) });
    }
  }

  #own(task: Promise<void>): void {
    const owned = task.finally(() => this.#tasks.delete(owned));
    this.#tasks.add(owned);
  }
}
