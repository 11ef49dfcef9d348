import { Limiter } from "../../core/async/limiter.ts";
import { pause } from "../../core/async/pause.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import {
  BlobSizeError,
  CodedError,
  InvalidArgumentError,
  UnavailableError,
  codeOf,
} from "../../core/errors.ts";
import type { BlobReader, BlobWriter } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Arrival } from "../arrival.ts";
import { type Arrivals, isFetchable } from "../arrivals.ts";
import { PullWatch } from "./pull-watch.ts";

/** What {@link PreheatDownloads} works with. */
export interface PreheatDownloadsDeps {
  readonly store: Pick<BlobReader, "find"> & Pick<BlobWriter, "ingests">;
  readonly arrivals: Arrivals;
  readonly clock: Clock;
  /** Blobs at once. */
  readonly downloadsMax: number;
  /** Milliseconds between two looks at how far it is, and whether a pull began; 500 when left out. */
  readonly lookIntervalMs?: number;
  /** Milliseconds before a blob is tried again, times the number of failures; 1000 when left out. */
  readonly retryPauseMs?: number;
}

/** Who wants to know how a download goes. */
export interface DownloadListener extends Cancellable {
  readonly onBytes: (bytes: number) => void;
  /** Told when it waits for a pull, and when it goes on. */
  readonly onPause: (isPaused: boolean) => void;
}

/** A person who watches, and a pull that begins, should not wait longer. */
const lookIntervalDefaultMs = 500;

/** A blob of which no byte comes for so long has no source: nobody waits for it here. */
const stallTimeoutMs = 60_000;

/** Tries of one blob: who gives it may go away in the middle. */
const triesMax = 4;

/** Who gives it may be back by then, or somebody else may have it. */
const retryPauseDefaultMs = 1000;

/**
 * Gets blobs from the swarm that nobody waits for: few at once, and none while a pull is
 * under way. A download that makes room for a pull goes on later with what it has.
 */
export class PreheatDownloads {
  readonly #deps: PreheatDownloadsDeps;
  readonly #limiter: Limiter;
  readonly #watch: PullWatch;
  readonly #underWay = new Set<Digest>();
  readonly #lookIntervalMs: number;

  constructor(deps: PreheatDownloadsDeps) {
    this.#deps = deps;
    this.#limiter = new Limiter(deps.downloadsMax);
    this.#watch = new PullWatch({ ...deps, isOurs: (digest) => this.#underWay.has(digest) });
    this.#lookIntervalMs = deps.lookIntervalMs ?? lookIntervalDefaultMs;
  }

  /**
   * Resolves when the blob is here whole.
   *
   * @throws {UnavailableError} when nobody gives it.
   * @throws {BlobSizeError} when a pull knows it by another size.
   * @throws {StorageFullError} when the disk is full.
   */
  async obtain(blob: Descriptor, listener: DownloadListener): Promise<void> {
    const { digest } = blob;
    if (!isFetchable(digest)) {
      throw new InvalidArgumentError(`Cannot preheat blob ${digest}: the swarm knows sha256 alone`);
    }
    await this.#limiter.run(listener.signal, () => this.#obtain(blob, listener));
  }

  async #obtain(blob: Descriptor, listener: DownloadListener): Promise<void> {
    const { store, retryPauseMs = retryPauseDefaultMs } = this.#deps;
    let isHere = store.find(blob.digest)?.whole === true;
    for (let failures = 0; !isHere;) {
      await this.#quiet(listener);
      try {
        isHere = await this.#attempt(blob, listener);
      } catch (error) {
        listener.signal.throwIfAborted();
        failures++;
        if (failures === triesMax || !mayHeal(error)) throw error;
        await pause(retryPauseMs * failures, listener.signal);
      }
    }
    listener.onBytes(blob.size);
  }

  /** Waits until no pull is under way. */
  async #quiet({ onPause, signal }: DownloadListener): Promise<void> {
    if (!this.#watch.isBusy()) return;
    onPause(true);
    while (this.#watch.isBusy()) await pause(this.#lookIntervalMs, signal);
    onPause(false);
  }

  /**
   * One try: true when the blob is whole, false when it makes room for a pull.
   *
   * @throws why it was given up
   */
  async #attempt({ digest, size }: Descriptor, listener: DownloadListener): Promise<boolean> {
    const { arrivals } = this.#deps;
    listener.signal.throwIfAborted();
    const arrival = arrivals.start({ digest, size, promised: false, isAhead: true });
    if (arrival.size !== size) throw new BlobSizeError(arrival.size, size);
    const claim = arrivals.claim(digest);
    this.#underWay.add(digest);
    try {
      await this.#follow(arrival, listener);
      if (arrival.failure !== undefined) throw failureOf(arrival);
      return arrival.ended;
    } finally {
      this.#underWay.delete(digest);
      claim[Symbol.dispose]();
      // What came so far stays for whoever starts it again, and is thrown away if nobody does.
      const isWanted = arrival.promised || arrivals.claimCount(digest) > 0;
      if (!arrival.ended && !isWanted) await arrivals.stop(digest);
    }
  }

  /** Follows a download until it ends, or must make room for a pull. */
  async #follow(arrival: Arrival, { onBytes, signal }: DownloadListener): Promise<void> {
    const { clock } = this.#deps;
    const settled = arrival.settled();
    let bytes = -1;
    let movedMs = clock.monotonicMs();
    while (!arrival.ended) {
      const nowMs = clock.monotonicMs();
      if (arrival.bytesDone !== bytes) movedMs = nowMs;
      bytes = arrival.bytesDone;
      onBytes(bytes);
      if (this.#watch.isBusy()) return;
      if (nowMs - movedMs > stallTimeoutMs) {
        throw new UnavailableError(`Cannot get blob ${arrival.digest}: nobody gives it`);
      }
      await Promise.race([settled, pause(this.#lookIntervalMs, signal)]);
    }
  }
}

/** Why it was given up: as it is if somebody can read it, else that nobody gives the blob. */
function failureOf({ digest, failure: cause }: Arrival): CodedError {
  if (cause instanceof CodedError) return cause;
  return new UnavailableError(`Cannot get blob ${digest} from the swarm`, { cause });
}

/** A full disk does not get empty by trying, nor a size another one. */
function mayHeal(failure: unknown): boolean {
  return !(failure instanceof BlobSizeError) && codeOf(failure) !== "resource_exhausted";
}
