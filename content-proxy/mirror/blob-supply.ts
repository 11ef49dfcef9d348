import { LRUCache } from "lru-cache";

import { createDeadline } from "../../core/async/deadline.ts";
import type { Credential } from "../../core/credential.ts";
import type { Digest } from "../../core/digest.ts";
import { BlobNotFoundError, codeOf } from "../../core/errors.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Directory } from "../../core/ports/directory.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { Arrival } from "../arrival.ts";
import { type Arrivals, isFetchable } from "../arrivals.ts";
import type { ColdFetch } from "../cold-fetch.ts";
import type { LastUse } from "../last-use.ts";
import type { Provenance } from "../provenance/provenance.ts";
import type { RecentBlobs } from "../recent-blobs.ts";
import { ArrivingBlob, type ArrivingBlobDeps } from "./arriving-blob.ts";
import type { Patience } from "./patience.ts";
import type { SuppliedBlob } from "./supplied-blob.ts";
import { WholeBlob } from "./whole-blob.ts";

/** How long a {@link BlobSupply} waits. */
export interface SupplySettings {
  /** A blob of which nothing comes for so long after the first byte is given no further. */
  readonly stallTimeoutMs: number;
  /** Whether blobs are given while they arrive; else only when whole. */
  readonly streamLayers: boolean;
}

/** An arrival, as far as it is looked at here. */
type WatchedArrival = ArrivingBlobDeps["arrival"] & Pick<Arrival, "failure">;

/** What a {@link BlobSupply} works with. */
export interface BlobSupplyDeps {
  readonly store: Pick<BlobReader, "find" | "open">;
  readonly arrivals: Pick<Arrivals, "claim"> & {
    find(digest: Digest): Pick<Arrival, "size"> | undefined;
    start(blob: Parameters<Arrivals["start"]>[0]): WatchedArrival;
  };
  readonly directory: Pick<Directory, "lookup">;
  /** Asks who gets what nobody has; `undefined` where there are no seeders. */
  readonly coldFetch: Pick<ColdFetch, "ask"> | undefined;
  readonly provenance: Pick<Provenance, "find">;
  readonly recent: Pick<RecentBlobs, "hold">;
  /** Told what is given, so that it is not what leaves first. */
  readonly lastUse: Pick<LastUse, "note">;
  readonly logger: Logger;
  readonly settings: SupplySettings;
}

/** How long somebody waits for it. */
export interface SupplyOptions extends Cancellable {
  /** Of the request, all of whose waits share it. */
  readonly patience: Patience;
}

/** And what of it is wanted. */
export interface OpenOptions extends SupplyOptions {
  /** Whether, of a blob of `size` bytes, these bytes are wanted alone; left out: all of it is. */
  readonly isPart?: (size: number) => boolean;
}

/** A blob that somebody wants, and in whose name seeders may ask a registry for it. */
export interface MirroredBlob {
  readonly digest: Digest;
  readonly authorization?: Credential | undefined;
}

/** Below this many bytes a blob is here before its sources would be judged. */
const streamedSizeMin = 512 * 1024;

/**
 * Up to this many bytes, a blob that its seeder still receives is given when it is whole here. Its
 * digest cannot be known before, and containerd keeps what it got of a wrong one and goes on with it
 * in each later pull. From here to the client so many take a moment; for larger ones that adds up.
 */
const heldSizeMax = 64 * 1024 * 1024;

/**
 * How long such a blob is held back at most: on a link so slow that it is given as a larger one
 * is, well before its client has waited for as long as it may.
 */
const heldMsMax = 90_000;

/**
 * How long a blob that broke off in the middle of an answer is not given: the client comes
 * back for the rest at once, and must be sent on to the registry.
 */
const brokenTtlMs = 15_000;

/** What is read of a blob at once: enough that a call costs little, and few enough for the cache. */
const chunkLength = 512 * 1024;

/** What is read at once while many are read: 256 clients hold 64 MiB of ours together. */
const chunkLengthInCrowd = 64 * 1024;

/** Blobs that are read at once before that is many. */
const crowdMin = 32;

/** Blobs that broke off and are remembered: those of a few pulls. */
const brokenMax = 1000;

/** Gives blobs to clients of the mirror: those on disk, and those that the swarm can give. */
export class BlobSupply {
  readonly #deps: BlobSupplyDeps;
  /** Blobs that are open. */
  #openCount = 0;
  readonly #broken = new LRUCache<Digest, true>({ max: brokenMax, ttl: brokenTtlMs });

  constructor(deps: BlobSupplyDeps) {
    this.#deps = deps;
  }

  /**
   * A blob that can be given; fetched if it is not here. What was built, imported or loaded on
   * this machine is nobody's business. Dispose of it when it was read.
   *
   * @throws {BlobNotFoundError} when it cannot be had.
   * @throws {UnavailableError} when it does not come.
   */
  async open(wanted: MirroredBlob, options: OpenOptions): Promise<SuppliedBlob> {
    const { store, recent, lastUse } = this.#deps;
    const { digest } = wanted;
    const record = store.find(digest);
    if (record?.provenance === "local") throw new BlobNotFoundError(digest);
    const hold = recent.hold(digest);
    lastUse.note(digest);
    try {
      const blob = record?.whole
        ? new WholeBlob(await store.open(digest), { chunkLengthMax: this.#chunkLength })
        : await this.#fetch(wanted, options);
      return this.#counted(blob, hold);
    } catch (error) {
      hold[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Length of a blob that could be given, without fetching it.
   *
   * @throws {BlobNotFoundError} when nobody is known to have it.
   */
  async sizeOf(wanted: MirroredBlob, options: SupplyOptions): Promise<number> {
    const { store, arrivals } = this.#deps;
    const { digest } = wanted;
    const record = store.find(digest);
    if (record?.provenance === "local") throw new BlobNotFoundError(digest);
    const known = record?.size ?? arrivals.find(digest)?.size;
    if (known !== undefined) return known;
    const found = await this.#findSize(wanted, options);
    if (found === undefined) throw new BlobNotFoundError(digest);
    return found;
  }

  /** It broke off in the middle of an answer: for a while it is not given. */
  breakOff(digest: Digest): void {
    this.#broken.set(digest, true);
  }

  get #chunkLength(): number {
    return this.#openCount < crowdMin ? chunkLength : chunkLengthInCrowd;
  }

  /** It is not evicted while it is read. */
  #counted(blob: SuppliedBlob, hold: Disposable): SuppliedBlob {
    this.#openCount++;
    return {
      size: blob.size,
      ready: (range, options) => blob.ready(range, options),
      hurry: (ranges) => blob.hurry(ranges),
      read: (range, options) => blob.read(range, options),
      [Symbol.asyncDispose]: async () => {
        this.#openCount--;
        hold[Symbol.dispose]();
        await blob[Symbol.asyncDispose]();
      },
    };
  }

  async #fetch(wanted: MirroredBlob, options: OpenOptions): Promise<SuppliedBlob> {
    const { store, arrivals, provenance, settings } = this.#deps;
    const { digest } = wanted;
    if (this.#broken.has(digest) || !isFetchable(digest)) throw new BlobNotFoundError(digest);
    const known = store.find(digest)?.size ?? arrivals.find(digest)?.size;
    const size = known ?? provenance.find(digest)?.size ?? (await this.#findSize(wanted, options));
    if (size === undefined || size === 0) throw new BlobNotFoundError(digest);
    const arrival = arrivals.start({ ...wanted, size, promised: false });
    if (arrival.size !== size) throw new BlobNotFoundError(digest);
    const { stallTimeoutMs, streamLayers } = settings;
    const { patience, signal } = options;
    const claim = arrivals.claim(digest);
    try {
      const streamed = streamLayers && size >= streamedSizeMin;
      // Who wants a part takes it for no whole blob, and does not go on with it.
      const fromWhole = size <= heldSizeMax && options.isPart?.(size) !== true;
      const isReliable = await patience.whileBytesCome(
        arrival,
        (waiting) => reliable(arrival, { streamed, fromWhole, signal: waiting.signal }),
        { signal },
      );
      if (!isReliable) throw new BlobNotFoundError(digest, { cause: arrival.failure });
      const chunkLengthMax = this.#chunkLength;
      return new ArrivingBlob({ store, arrival, claim, chunkLengthMax, patience, stallTimeoutMs });
    } catch (error) {
      claim[Symbol.dispose]();
      throw error;
    }
  }

  /** What the directory says, else what a seeder makes of it; `undefined` when they do not know. */
  async #findSize(
    { digest, authorization }: MirroredBlob,
    { patience, signal }: SupplyOptions,
  ): Promise<number | undefined> {
    const { directory, coldFetch, logger } = this.#deps;
    const deadline = patience.deadline({ signal });
    try {
      const entry = await directory.lookup(digest, { signal: deadline.signal });
      if (entry) return entry.metainfo.layout.size;
      const cold = { digest, promised: false, authorization };
      const asked = { withinMs: patience.leftMs, signal: deadline.signal };
      return (await coldFetch?.ask(cold, asked))?.size;
    } catch (error) {
      signal.throwIfAborted();
      logger.debug("cannot find the size of a blob", { digest, code: codeOf(error) });
      return undefined;
    } finally {
      deadline[Symbol.dispose]();
    }
  }
}

/** As that of the arrival, and `fromWhole` only for so long as a blob is held back. */
async function reliable(
  arrival: Pick<Arrival, "reliable">,
  { signal, ...options }: Parameters<Arrival["reliable"]>[0],
): Promise<boolean> {
  const deadline = createDeadline(signal, heldMsMax);
  try {
    return await arrival.reliable({ ...options, signal: deadline.signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!deadline.signal.aborted) throw error;
    return await arrival.reliable({ ...options, fromWhole: false, signal });
  } finally {
    deadline[Symbol.dispose]();
  }
}
