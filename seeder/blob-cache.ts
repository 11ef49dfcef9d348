import { LRUCache } from "lru-cache";

import { abortable } from "../core/async/deadline.ts";
import type { Offering } from "../core/blob-life/offering.ts";
import type { Digest } from "../core/digest.ts";
import { CodedError, UnavailableError, codeOf } from "../core/errors.ts";
import type { BlobReader, BlobRecord, BlobWriter } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Logger } from "../core/ports/logger.ts";
import { ArrivalRoom } from "./arrival-room.ts";
import { BlobArrival } from "./blob-arrival.ts";
import { type OnBytes, type OriginBlob, fetchBlob } from "./blob-fetch.ts";
import type { BlobRoom } from "./blob-room.ts";
import { FirstPieces } from "./first-pieces.ts";
import { type Flight, isSameRequest } from "./flight.ts";
import type { KnownBlobs } from "./known-blobs.ts";
import { RegistryTurns, type TurnsPerRegistry } from "./registry-turns.ts";
import { type BlobGiver, SecondHand, isWrongBlob } from "./second-hand.ts";

/** How long a blob is had from its origin alone that another seeder, or a half, made wrong. */
const damagedTtlMs = 300_000;

/** Such blobs that are remembered: a seeder whose disk is broken has a few images. */
const damagedMax = 1000;

/** What {@link BlobCache} works with. */
export interface BlobCacheDeps extends TurnsPerRegistry {
  readonly store: Pick<BlobReader, "find"> & Pick<BlobWriter, "openIngest" | "abortIngest">;
  readonly origin: BlobGiver;
  readonly offering: Pick<Offering, "add">;
  readonly room: Pick<BlobRoom, "check" | "hold" | "keep">;
  readonly known: Pick<KnownBlobs, "touch">;
  readonly logger: Logger;
}

/** An arrival that somebody holds: it goes on until that is disposed of. */
export interface HeldArrival extends Disposable {
  readonly arrival: BlobArrival;
}

/** A fetch that is going on, for people to look at. */
export interface FetchUnderWay {
  readonly digest: Digest;
  readonly registry: string;
  readonly bytes: number;
  readonly size: number;
}

/**
 * The blobs that a seeder holds or is getting. Each is fetched once, whoever asks, and
 * goes to the swarm as soon as it is whole; a fetch ends when nobody wants it any more.
 */
export class BlobCache implements AsyncDisposable {
  readonly #deps: BlobCacheDeps;
  readonly #flights = new Map<Digest, Flight>();
  readonly #turns: RegistryTurns;
  readonly #firstPieces = new FirstPieces();
  /** Blobs that other seeders gave wrong, or halves were wrong of. */
  readonly #damaged = new LRUCache<Digest, true>({ max: damagedMax, ttl: damagedTtlMs });
  #originBytes = 0;
  #secondHandBytes = 0;
  #isClosed = false;

  constructor(deps: BlobCacheDeps) {
    this.#deps = deps;
    this.#turns = new RegistryTurns(deps);
  }

  /** Bytes that came from origins since the start. */
  get originBytes(): number {
    return this.#originBytes;
  }

  /** Bytes that came from other seeders since the start. */
  get secondHandBytes(): number {
    return this.#secondHandBytes;
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
    const join = (flight: Flight) => this.#join(flight, { onBytes, signal });
    return this.#joining(blob, { isUrgent: false, join, signal });
  }

  /**
   * The blob, or its arrival as soon as the origin has given the first bytes: for who pulls.
   *
   * @throws as {@link obtain}
   */
  async begin(blob: OriginBlob, { signal }: Cancellable): Promise<BlobRecord | HeldArrival> {
    const join = async (flight: Flight) => this.#hold(flight, signal);
    return this.#joining(blob, { isUrgent: true, join, signal });
  }

  /** The arrival of a blob that is being fetched now, for whoever. */
  arrivalOf(digest: Digest): BlobArrival | undefined {
    return this.#flights.get(digest)?.arrival;
  }

  /** Somebody pulls a blob: if it is being fetched, that is not ahead of pulls any more. */
  hasten(digest: Digest): void {
    const flight = this.#flights.get(digest);
    if (flight) flight.isPulled = true;
  }

  /** Joins the fetch of a blob that goes on now, whoever began it; `undefined` when none does. */
  async follow(digest: Digest, { signal }: Cancellable): Promise<HeldArrival | undefined> {
    this.hasten(digest);
    const flight = this.#flights.get(digest);
    return flight && this.#hold(flight, signal);
  }

  /** Whether the fetch of a blob waits for its turn. */
  isQueued(digest: Digest): boolean {
    const flight = this.#flights.get(digest);
    return flight !== undefined && !flight.hasTurn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const flights = [...this.#flights.values()];
    for (const { stop } of flights) stop.abort(new DOMException("Seeder stops", "AbortError"));
    await Promise.allSettled(flights.map(({ result }) => result));
  }

  /** Joins the fetch of the blob, or one of our own when that fails in another way than ours would. */
  async #joining<T>(
    blob: OriginBlob,
    {
      isUrgent,
      join,
      signal,
    }: Cancellable & {
      readonly isUrgent: boolean;
      readonly join: (flight: Flight) => Promise<T | undefined>;
    },
  ): Promise<BlobRecord | T> {
    const { digest } = blob.descriptor;
    for (;;) {
      signal.throwIfAborted();
      if (this.#isClosed) throw new UnavailableError("Cannot fetch: the seeder stops");
      this.#deps.known.touch(digest);
      const record = this.#deps.store.find(digest);
      if (record?.whole) return record;
      const flight = this.#current(digest, isUrgent) ?? this.#start(blob, isUrgent);
      flight.isPulled ||= isUrgent;
      try {
        const joined = await join(flight);
        if (joined !== undefined) return joined;
      } catch (error) {
        if (!signal.aborted && flight.isDamaged) continue;
        // One that ended for want of anybody who wants it, or failed elsewhere, is not our last word.
        const isOurs = isSameRequest(flight.blob, blob) && !flight.stop.signal.aborted;
        if (signal.aborted || isOurs) throw error;
      }
    }
  }

  async #join(
    flight: Flight,
    { onBytes, signal }: Cancellable & { readonly onBytes: OnBytes },
  ): Promise<BlobRecord> {
    const hold = flight.arrival.hold();
    flight.watchers.add(onBytes);
    if (flight.bytes !== undefined) onBytes(flight.bytes);
    try {
      return await abortable(flight.result, signal);
    } finally {
      flight.watchers.delete(onBytes);
      hold[Symbol.dispose]();
    }
  }

  /** `undefined` when the blob got into the store meanwhile. */
  async #hold({ arrival }: Flight, signal: AbortSignal): Promise<HeldArrival | undefined> {
    const hold = arrival.hold();
    try {
      await arrival.begun({ signal });
      if (!arrival.isWhole) return { arrival, [Symbol.dispose]: () => hold[Symbol.dispose]() };
    } catch (error) {
      hold[Symbol.dispose]();
      throw error;
    }
    hold[Symbol.dispose]();
    return undefined;
  }

  /** The fetch of a blob, if it is one to join: who pulls does not stand in the queue of preheats. */
  #current(digest: Digest, isUrgent: boolean): Flight | undefined {
    const flight = this.#flights.get(digest);
    if (!flight || flight.hasTurn || flight.isUrgent || !isUrgent) return flight;
    // Those who wait for it join the one that is about to start.
    flight.stop.abort(new DOMException("Another fetch has its turn sooner", "AbortError"));
    return undefined;
  }

  #start(blob: OriginBlob, isUrgent: boolean): Flight {
    const { digest } = blob.descriptor;
    const stop = new AbortController();
    const secondHand = new SecondHand();
    const arrival = new BlobArrival(blob, () =>
      stop.abort(new DOMException("Nobody wants it", "AbortError")),
    );
    const onBytes = (bytes: number) => {
      const came = bytes - (flight.bytes ?? bytes);
      const cameSecondHand = secondHand.take(came);
      this.#secondHandBytes += cameSecondHand;
      this.#originBytes += came - cameSecondHand;
      if (flight.bytes === undefined) flight.isResumed = bytes > 0;
      flight.bytes = bytes;
      for (const watcher of flight.watchers) watcher(bytes);
    };
    const { signal } = stop;
    const fetch = async () => {
      flight.hasTurn = true;
      const isAhead = () => !flight.isPulled;
      const isFirstHand = this.#damaged.has(digest);
      const onSecondHand = (bytes: number) => secondHand.add(bytes);
      const options = { arrival, isAhead, onBytes, isFirstHand, onSecondHand, signal };
      try {
        return await this.#fetch(blob, options);
      } catch (error) {
        flight.isDamaged = isWrongBlob(error) && (flight.isResumed || secondHand.isAny);
        // The next fetch has all of it from its origin.
        if (flight.isDamaged) this.#damaged.set(digest, true);
        throw error;
      }
    };
    const result = this.#turns
      .of(blob.registry, { isUrgent })
      .run(signal, fetch)
      .finally(() => {
        if (this.#flights.get(digest) === flight) this.#flights.delete(digest);
      });
    result.then(
      () => arrival.end(),
      (error: unknown) => arrival.fail(error),
    );
    const watchers = new Set<OnBytes>();
    const state = { isUrgent, isPulled: isUrgent, hasTurn: false, bytes: undefined };
    const flight: Flight = {
      ...{ blob, arrival, result, stop, watchers, secondHand },
      ...{ ...state, isResumed: false, isDamaged: false },
    };
    this.#flights.set(digest, flight);
    return flight;
  }

  async #fetch(
    blob: OriginBlob,
    options: Cancellable & {
      readonly arrival: BlobArrival;
      readonly isAhead: () => boolean;
      readonly onBytes: OnBytes;
      readonly isFirstHand: boolean;
      readonly onSecondHand: OnBytes;
    },
  ): Promise<BlobRecord> {
    const { store, origin, offering, logger } = this.#deps;
    const firstPieces = this.#firstPieces;
    const { registry, descriptor } = blob;
    const { digest, size } = descriptor;
    try {
      const room = new ArrivalRoom(blob, this.#deps.room);
      try {
        const record = await fetchBlob(blob, { store, origin, room, firstPieces, ...options });
        logger.info("fetched a blob", { digest, bytes: size, registry });
        offering.add(record);
        return record;
      } finally {
        room[Symbol.dispose]();
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
