import { createDeadline } from "../core/async/deadline.ts";
import type { ByteRange } from "../core/byte-range.ts";
import type { Digest } from "../core/digest.ts";
import {
  BlobExistsError,
  BlobNotFoundError,
  OffsetError,
  UnavailableError,
  codeOf,
} from "../core/errors.ts";
import type { BlobFile, BlobRecord, BlobStore, Labels } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { Arrival } from "./arrival.ts";
import { type Arrivals, isFetchable } from "./arrivals.ts";
import type { BrokenPromises } from "./broken-promises.ts";
import type { BlobFetcher, LocatedBlob, PulledBlob } from "./blob-fetcher.ts";
import type { CacheBudget } from "../core/blob-life/cache-budget.ts";
import type { Offering } from "../core/blob-life/offering.ts";
import type { Prefetch } from "./prefetch.ts";
import { readArriving } from "./read-arriving.ts";
import type { RecentBlobs } from "./recent-blobs.ts";
import { Standstill } from "./standstill.ts";
import type { Traffic } from "./traffic.ts";

/** How {@link SwarmBlobFetcher} decides and how long it waits. */
export interface PullSettings {
  /** Layers may be promised once sources that hold all of them are connected; else only when whole. */
  readonly streamLayers: boolean;
  /** A blob that makes no progress for so long is left to containerd and the registry. */
  readonly stallTimeoutMs: number;
  /** A read of a promised blob fails when its bytes do not come for so long. */
  readonly readTimeoutMs: number;
}

/** What {@link SwarmBlobFetcher} works with. */
export interface SwarmBlobFetcherDeps {
  readonly store: BlobStore;
  readonly arrivals: Arrivals;
  readonly prefetch: Prefetch;
  readonly offering: Offering;
  readonly budget: CacheBudget;
  readonly traffic: Traffic;
  readonly recent: RecentBlobs;
  readonly logger: Logger;
  readonly settings: PullSettings;
  /** Told of a blob that was promised and does not come: a read of it has failed. */
  readonly broken: Pick<BrokenPromises, "tell">;
}

/** Below this many bytes a blob is here before a second look at it would be. */
const streamedSizeMin = 512 * 1024;

/** Gets containerd's blobs from the swarm. */
export class SwarmBlobFetcher implements BlobFetcher {
  readonly #deps: SwarmBlobFetcherDeps;

  constructor(deps: SwarmBlobFetcherDeps) {
    this.#deps = deps;
  }

  async obtain(blob: PulledBlob, { signal }: Cancellable): Promise<Disposable | undefined> {
    const { store, prefetch, recent, logger } = this.#deps;
    const { digest, kind } = blob;
    const keep = recent.hold(digest);
    let claim: Disposable | undefined;
    try {
      claim = await this.#claim(blob, { signal });
    } catch (error) {
      signal.throwIfAborted();
      // Whatever is wrong here, containerd can go to the registry.
      logger.warn("cannot ask the swarm for a blob", { digest, code: codeOf(error), error });
    } finally {
      if (!claim) keep[Symbol.dispose]();
    }
    if (!claim) return undefined;
    const record = store.find(digest);
    if (record?.whole) prefetch.manifestSeen(record, kind);
    return {
      [Symbol.dispose]: () => {
        claim[Symbol.dispose]();
        keep[Symbol.dispose]();
      },
    };
  }

  async commit(
    digest: Digest,
    labels: Labels,
    expected?: { readonly size: number },
  ): Promise<BlobRecord> {
    const { store, arrivals } = this.#deps;
    const known = store.find(digest);
    if (known?.owned) throw new BlobExistsError(digest);
    if (known?.whole) return store.own(digest, labels);
    const arrival = arrivals.find(digest);
    // It need not be the one that was obtained: that may have ended, and a manifest with a wrong
    // size, or somebody who relies on nothing, have begun another.
    const isOther = expected !== undefined && arrival?.size !== expected.size;
    if (!arrival || isOther || arrival.failure !== undefined) throw new BlobNotFoundError(digest);
    arrival.promise();
    arrivals.keep(digest);
    try {
      const record = await store.promise(digest, arrival.size);
      return Object.keys(labels).length === 0 ? record : await store.label(digest, labels);
    } catch (error) {
      if (store.find(digest)?.owned !== true) arrivals.letGo(digest);
      throw error;
    }
  }

  expectCommit(digest: Digest): void {
    this.#deps.recent.touch(digest);
  }

  progressOf(digest: Digest): number | undefined {
    return this.#deps.arrivals.find(digest)?.bytesDone;
  }

  written(record: BlobRecord, kind: PulledBlob["kind"]): void {
    this.#deps.traffic.addWritten(record.size);
    this.#deps.offering.add(record);
    this.#deps.prefetch.manifestSeen(record, kind);
  }

  locate(digest: Digest, offset: number): LocatedBlob | undefined {
    const record = this.#ownedRecord(digest);
    if (offset > record.size) throw new OffsetError(offset, `at most ${record.size}`);
    if (record.whole) {
      const file = this.#deps.store.descriptorOf(digest);
      return file && { fd: file.fd, size: file.size, availableEnd: file.size };
    }
    const arriving = this.#deps.arrivals.find(digest)?.locate(offset);
    return arriving && { ...arriving, size: record.size };
  }

  async open(digest: Digest): Promise<BlobFile | undefined> {
    const { store } = this.#deps;
    return store.find(digest)?.whole === true ? store.open(digest) : undefined;
  }

  async *read(
    digest: Digest,
    range: ByteRange,
    { signal }: Cancellable,
  ): AsyncGenerator<Uint8Array, void> {
    const { store, arrivals, settings } = this.#deps;
    const record = this.#ownedRecord(digest);
    if (range.start > record.size) throw new OffsetError(range.start, `at most ${record.size}`);
    const bounded = { start: range.start, end: Math.min(range.end, record.size) };
    let start = bounded.start;
    const standstill = new Standstill(arrivals, { forMs: settings.readTimeoutMs });
    try {
      if (!record.whole && !arrivals.isClosed) {
        const { size } = record;
        const arrival = arrivals.start({ digest, size, promised: true });
        const { readTimeoutMs } = settings;
        for await (const chunk of readArriving(arrival, bounded, { signal, readTimeoutMs })) {
          start += chunk.byteLength;
          yield chunk;
          standstill.restart();
        }
      }
      if (start === bounded.end) return;
      if (store.find(digest)?.whole !== true) {
        throw new UnavailableError(`Cannot read blob ${digest}: its bytes did not arrive`);
      }
    } catch (error) {
      // One that was stopped, for it was deleted or we end, says nothing of others.
      const isWanted = arrivals.find(digest) !== undefined && !arrivals.isClosed;
      if (error instanceof UnavailableError && isWanted) {
        await this.#deps.broken.tell(digest, standstill);
      }
      throw error;
    } finally {
      standstill[Symbol.dispose]();
    }
    yield* store.read(digest, { start, end: bounded.end }, { signal });
  }

  async disown(digest: Digest): Promise<void> {
    const { store, offering, budget, recent } = this.#deps;
    const record = store.find(digest);
    if (record && !record.whole) await this.#abandon(digest);
    if (record?.provenance === "local") offering.withdraw(digest);
    try {
      await store.disown(digest);
    } finally {
      void budget.enforce();
    }
    // On a full disk it is not kept as cached.
    if (!store.find(digest)) offering.withdraw(digest);
    recent.drop(digest);
  }

  /** Forgets a blob that containerd was promised; one that is whole stays containerd's. */
  async breakPromise(digest: Digest): Promise<void> {
    await this.#abandon(digest);
    if (!this.#deps.store.find(digest)) this.#deps.recent.drop(digest);
  }

  /** Ends a download that containerd needs no more, unless another pull was told to rely on it. */
  async #abandon(digest: Digest): Promise<void> {
    const { store, arrivals } = this.#deps;
    arrivals.letGo(digest);
    if (arrivals.claimCount(digest) > 0) {
      await store.unpromise(digest);
      return;
    }
    // containerd's garbage collection waits for the answer: the download ends by itself.
    void arrivals.stop(digest);
    await store.discard(digest);
  }

  /** Keeps a blob going until it is committed; `undefined` when it cannot be had. */
  async #claim(blob: PulledBlob, { signal }: Cancellable): Promise<Disposable | undefined> {
    const { store, arrivals } = this.#deps;
    const known = store.find(blob.digest);
    if (!known) return this.#fetch(blob, { signal });
    if (known.size !== blob.size) return undefined;
    if (known.whole) return { [Symbol.dispose]: () => undefined };
    arrivals.start({ ...blob, promised: true });
    return arrivals.claim(blob.digest);
  }

  /**
   * Fetches a blob, until it can be relied on or is given up. From the yes on it is tried
   * again whatever happens: containerd will not go to the registry any more.
   */
  async #fetch(blob: PulledBlob, { signal }: Cancellable): Promise<Disposable | undefined> {
    const { arrivals, logger, settings } = this.#deps;
    const { digest, size, kind } = blob;
    if (!isFetchable(digest)) return undefined;
    const started = performance.now();
    const arrival = arrivals.start({ digest, size, promised: false });
    if (arrival.size !== size) return undefined;
    const claim = arrivals.claim(digest);
    let isObtained = false;
    try {
      const streamed = settings.streamLayers && kind === "layer" && size >= streamedSizeMin;
      const isReliable = await this.#reliable(arrival, { streamed, signal });
      isObtained = isReliable && arrival.failure === undefined;
      const durationMs = Math.round(performance.now() - started);
      const fields = { digest, kind, obtained: isObtained, durationMs };
      logger.info("looked for a blob in the swarm", fields);
      if (isObtained) arrival.promise();
      else await this.#giveUp(arrival);
      return isObtained ? claim : undefined;
    } finally {
      if (!isObtained) claim[Symbol.dispose]();
    }
  }

  /** Waits as long as bytes come: a slow swarm is still better than a registry for everyone. */
  async #reliable(
    arrival: Arrival,
    { streamed, signal }: Cancellable & { readonly streamed: boolean },
  ): Promise<boolean> {
    for (let bytesBefore = -1; arrival.bytesDone > bytesBefore;) {
      bytesBefore = arrival.bytesDone;
      const deadline = createDeadline(signal, this.#deps.settings.stallTimeoutMs);
      try {
        return await arrival.reliable({ streamed, signal: deadline.signal });
      } catch {
        signal.throwIfAborted();
      } finally {
        deadline[Symbol.dispose]();
      }
    }
    return false;
  }

  /**
   * Ends a download that was in vain, unless a pull in another namespace waits for it or
   * relies on it: containerd fetches the blob now, and the swarm must not fill the same
   * disk a second time.
   */
  async #giveUp({ digest, promised }: Arrival): Promise<void> {
    const { arrivals } = this.#deps;
    if (promised || arrivals.claimCount(digest) > 1) return;
    await arrivals.stop(digest);
    await arrivals.discard(digest);
  }

  #ownedRecord(digest: Digest): BlobRecord {
    const record = this.#deps.store.find(digest);
    if (record?.owned !== true) throw new BlobNotFoundError(digest);
    return record;
  }
}
