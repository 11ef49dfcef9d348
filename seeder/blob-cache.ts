import { LRUCache } from "lru-cache";

import { abortable } from "../core/async/deadline.ts";
import { Limiter } from "../core/async/limiter.ts";
import type { Offering } from "../core/blob-life/offering.ts";
import type { Digest } from "../core/digest.ts";
import { CodedError, UnavailableError, codeOf } from "../core/errors.ts";
import type { BlobReader, BlobRecord, BlobWriter } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { Origin } from "../core/ports/origin.ts";
import { type OnBytes, type OriginBlob, fetchBlob } from "./blob-fetch.ts";
import type { BlobRoom } from "./blob-room.ts";
import type { KnownBlobs } from "./known-blobs.ts";

/** What {@link BlobCache} works with. */
export interface BlobCacheDeps {
  readonly store: Pick<BlobReader, "find"> & Pick<BlobWriter, "openIngest" | "abortIngest">;
  readonly origin: Pick<Origin, "blob">;
  readonly offering: Pick<Offering, "add">;
  readonly room: Pick<BlobRoom, "reserve">;
  readonly known: Pick<KnownBlobs, "touch">;
  /** Blobs that are fetched from one registry at once. */
  readonly blobsMax: number;
  readonly logger: Logger;
}

/** A fetch under way, and how many want it. */
interface Flight {
  readonly blob: OriginBlob;
  readonly result: Promise<BlobRecord>;
  readonly stop: AbortController;
  readonly watchers: Set<OnBytes>;
  /** Bytes that are here; `undefined` before the fetch has its turn. */
  bytes: number | undefined;
  wanted: number;
}

/** A fetch that is going on, for people to look at. */
export interface FetchUnderWay {
  readonly digest: Digest;
  readonly registry: string;
  readonly bytes: number;
  readonly size: number;
}

/** Registries whose limit is remembered; one more than any cluster uses. */
const limitersMax = 1000;

/**
 * The blobs that a seeder holds or is getting. Each is fetched once, whoever asks, and
 * goes to the swarm as soon as it is whole; a fetch ends when nobody wants it any more.
 */
export class BlobCache implements AsyncDisposable {
  readonly #deps: BlobCacheDeps;
  readonly #flights = new Map<Digest, Flight>();
  /** One for each registry: those of a registry that hangs do not hold up the others. */
  readonly #limiters = new LRUCache<string, Limiter>({ max: limitersMax });
  #originBytes = 0;
  #isClosed = false;

  constructor(deps: BlobCacheDeps) {
    this.#deps = deps;
  }

  /** Bytes that came from origins since the start. */
  get originBytes(): number {
    return this.#originBytes;
  }

  *underWay(): Generator<FetchUnderWay> {
    for (const { blob, bytes = 0 } of this.#flights.values()) {
      const { digest, size } = blob.descriptor;
      yield { digest, registry: blob.registry, bytes, size };
    }
  }

  /**
   * The blob, from here or from its origin.
   *
   * @param onBytes Told how much is here, while it comes.
   * @throws {StorageFullError} when there is no room for it in the budget.
   * @throws what {@link fetchBlob} throws, and the signal's reason
   */
  async obtain(
    blob: OriginBlob,
    { onBytes, signal }: Cancellable & { readonly onBytes: OnBytes },
  ): Promise<BlobRecord> {
    const { digest } = blob.descriptor;
    for (;;) {
      signal.throwIfAborted();
      if (this.#isClosed) throw new UnavailableError("Cannot fetch: the seeder stops");
      this.#deps.known.touch(digest);
      const record = this.#deps.store.find(digest);
      if (record?.whole) return record;
      const flight = this.#flights.get(digest) ?? this.#start(blob);
      try {
        return await this.#join(flight, { onBytes, signal });
      } catch (error) {
        // One that ended for want of anybody who wants it, or failed elsewhere, is not our last word.
        const isOurs = isSamePlace(flight.blob, blob) && !flight.stop.signal.aborted;
        if (signal.aborted || isOurs) throw error;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const flights = [...this.#flights.values()];
    for (const { stop } of flights) stop.abort(new DOMException("Seeder stops", "AbortError"));
    await Promise.allSettled(flights.map(({ result }) => result));
  }

  async #join(
    flight: Flight,
    { onBytes, signal }: Cancellable & { readonly onBytes: OnBytes },
  ): Promise<BlobRecord> {
    flight.wanted++;
    flight.watchers.add(onBytes);
    if (flight.bytes !== undefined) onBytes(flight.bytes);
    try {
      return await abortable(flight.result, signal);
    } finally {
      flight.watchers.delete(onBytes);
      flight.wanted--;
      // One that failed by itself is not there any more: its end is what its waiters get.
      const isUnderWay = this.#flights.get(flight.blob.descriptor.digest) === flight;
      if (flight.wanted === 0 && isUnderWay) {
        flight.stop.abort(new DOMException("Nobody wants it", "AbortError"));
      }
    }
  }

  #start(blob: OriginBlob): Flight {
    const { digest } = blob.descriptor;
    const stop = new AbortController();
    const onBytes = (bytes: number) => {
      this.#originBytes += bytes - (flight.bytes ?? bytes);
      flight.bytes = bytes;
      for (const watcher of flight.watchers) watcher(bytes);
    };
    const result = this.#limiterOf(blob.registry)
      .run(stop.signal, () => this.#fetch(blob, { onBytes, signal: stop.signal }))
      .finally(() => this.#flights.delete(digest));
    result.catch(() => undefined);
    const watchers = new Set<OnBytes>();
    const flight: Flight = { blob, result, stop, watchers, bytes: undefined, wanted: 0 };
    this.#flights.set(digest, flight);
    return flight;
  }

  #limiterOf(registry: string): Limiter {
    const limiter = this.#limiters.get(registry) ?? new Limiter(this.#deps.blobsMax);
    this.#limiters.set(registry, limiter);
    return limiter;
  }

  async #fetch(
    blob: OriginBlob,
    options: Cancellable & { readonly onBytes: OnBytes },
  ): Promise<BlobRecord> {
    const { store, origin, offering, room, logger } = this.#deps;
    const { registry, descriptor } = blob;
    const { digest, size } = descriptor;
    try {
      const reserved = await room.reserve(descriptor);
      try {
        const record = await fetchBlob(blob, { store, origin, ...options });
        logger.info("fetched a blob", { digest, bytes: size, registry });
        offering.add(record);
        return record;
      } finally {
        reserved[Symbol.dispose]();
      }
    } catch (error) {
      if (!options.signal.aborted) {
        const code = codeOf(error);
        const problem = error instanceof CodedError ? error.message : error;
        logger.warn("cannot fetch a blob", { digest, registry, code, problem });
      }
      throw error;
    }
  }
}

/** Whether the one would fail where the other did. */
function isSamePlace(one: OriginBlob, other: OriginBlob): boolean {
  return one.registry === other.registry && one.repository === other.repository;
}
