import type { Credential } from "../core/credential.ts";
import { type Digest, algorithmOf } from "../core/digest.ts";
import { StorageFullError, codeOf } from "../core/errors.ts";
import { Arrival } from "./arrival.ts";
import type { ArrivalDeps } from "./arrival-deps.ts";

/**
 * How long a download goes on that nobody asks for: between a manifest that names it
 * and containerd's question, or between our promise and containerd's COMMIT.
 */
const unclaimedMs = 60_000;

/**
 * How long the bytes of a download that ended early stay on disk. A kubelet tries a pull
 * that failed again within five minutes.
 */
const leftoverMs = 600_000;

/** Whether a blob can be checked while it arrives: the swarm computes no other digests. */
export function isFetchable(digest: Digest): boolean {
  return algorithmOf(digest) === "sha256";
}

/** The blobs on their way. */
export class Arrivals implements AsyncDisposable {
  readonly #deps: ArrivalDeps;
  readonly #arrivals = new Map<Digest, Arrival>();
  /** Those that were stopped and have not come to their end. */
  readonly #stopping = new Map<Digest, Arrival>();
  /** Who wants a blob now; nobody where somebody did a moment ago. */
  readonly #claims = new Map<Digest, Set<symbol>>();
  /** One for each blob, from when somebody last wanted it. */
  readonly #expiring = new Map<Digest, NodeJS.Timeout>();
  /** Claims that last until containerd deletes the blob. */
  readonly #kept = new Map<Digest, Disposable>();
  /** One for each blob: a client may ask again and again for one that fails. */
  readonly #discarding = new Map<Digest, NodeJS.Timeout>();
  #closed = false;

  constructor(deps: ArrivalDeps) {
    this.#deps = deps;
  }

  /** No arrival can be started any more. */
  get isClosed(): boolean {
    return this.#closed;
  }

  get count(): number {
    return this.#arrivals.size;
  }

  find(digest: Digest): Arrival | undefined {
    return this.#arrivals.get(digest);
  }

  [Symbol.iterator](): Iterator<Arrival> {
    return this.#arrivals.values();
  }

  /**
   * The arrival of a blob, started if it is not under way. It is stopped when nobody
   * has a claim on it; a promised one, as each is that containerd owns, is kept.
   *
   * @param blob.authorization Of the client that asks, for seeders to have it from the registry;
   *   one that is under way goes on with what it was started with.
   * @param blob.isAhead Nobody waits for it yet.
   */
  start(blob: {
    readonly digest: Digest;
    readonly size: number;
    readonly promised: boolean;
    readonly authorization?: Credential | undefined;
    readonly isAhead?: boolean;
  }): Arrival {
    const { digest } = blob;
    const running = this.#arrivals.get(digest);
    if (running && !running.ended) {
      if (blob.isAhead !== true) running.hasten();
      return running;
    }
    if (this.#closed) throw new DOMException("The content proxy is stopping", "AbortError");
    const before = running ?? this.#stopping.get(digest);
    const promised = blob.promised || this.#deps.store.find(digest)?.owned === true;
    const arrival = new Arrival(this.#deps, { ...blob, promised, after: before?.settled() });
    this.#arrivals.set(digest, arrival);
    if (promised) this.keep(digest);
    void arrival.settled().then(() => {
      if (this.#arrivals.get(digest) === arrival) this.#forget(digest);
      this.#tidy(arrival);
    });
    return arrival;
  }

  /** Keeps the arrival going until the claim is let go of, and a while longer. */
  claim(digest: Digest): Disposable {
    const claim = Symbol();
    const claims = this.#claims.get(digest) ?? new Set<symbol>();
    this.#claims.set(digest, claims.add(claim));
    return {
      [Symbol.dispose]: () => {
        if (claims.delete(claim) && this.#claims.get(digest) === claims) this.#expire(digest);
      },
    };
  }

  /** Keeps the arrival going, for containerd relies on it, until it is let go of. Idempotent. */
  keep(digest: Digest): void {
    if (!this.#kept.has(digest)) this.#kept.set(digest, this.claim(digest));
  }

  /** containerd does not need it any more; it goes on as long as others claim it. Idempotent. */
  letGo(digest: Digest): void {
    this.#kept.get(digest)?.[Symbol.dispose]();
    this.#kept.delete(digest);
  }

  /** How many want it now. */
  claimCount(digest: Digest): number {
    return this.#claims.get(digest)?.size ?? 0;
  }

  /** Stops the arrival of a blob that only containerd relies on. Never rejects. */
  async stopKept(digest: Digest): Promise<void> {
    if (this.claimCount(digest) <= (this.#kept.has(digest) ? 1 : 0)) await this.stop(digest);
  }

  /** Stops the arrival of a blob that nobody needs any more. Never rejects. */
  async stop(digest: Digest): Promise<void> {
    const arrival = this.#arrivals.get(digest);
    if (!arrival) return;
    this.#forget(digest);
    this.#stopping.set(digest, arrival);
    await arrival[Symbol.asyncDispose]();
    if (this.#stopping.get(digest) === arrival) this.#stopping.delete(digest);
  }

  /** Deletes what came of a blob that nobody fetches or was promised. Never rejects. */
  async discard(digest: Digest): Promise<void> {
    const { store, logger } = this.#deps;
    if (this.#closed || this.#arrivals.has(digest) || store.find(digest)) return;
    try {
      await store.discard(digest);
    } catch (error) {
      logger.warn("cannot delete a part of a blob", { digest, code: codeOf(error) });
    }
  }

  /** Discards it after a while, unless it is fetched again by then. */
  discardLater(digest: Digest): void {
    clearTimeout(this.#discarding.get(digest));
    const timer = setTimeout(() => {
      this.#discarding.delete(digest);
      void this.discard(digest);
    }, leftoverMs);
    this.#discarding.set(digest, timer.unref());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const timer of this.#discarding.values()) clearTimeout(timer);
    const stopping = [...this.#stopping.values()].map((arrival) => arrival.settled());
    await Promise.all([
      ...[...this.#arrivals.keys()].map((digest) => this.stop(digest)),
      ...stopping,
    ]);
  }

  /** A claim counts a while longer, so that a question a moment later finds it running. */
  #expire(digest: Digest): void {
    clearTimeout(this.#expiring.get(digest));
    const timer = setTimeout(() => {
      this.#expiring.delete(digest);
      if (this.claimCount(digest) > 0) return;
      this.#claims.delete(digest);
      void this.stop(digest);
    }, unclaimedMs);
    this.#expiring.set(digest, timer.unref());
  }

  /** What came of a blob that was given up must not stay for ever: it is in nobody's budget. */
  #tidy({ digest, failure }: Arrival): void {
    if (failure === undefined || this.#closed) return;
    if (failure instanceof StorageFullError) void this.discard(digest);
    else this.discardLater(digest);
  }

  #forget(digest: Digest): void {
    this.#arrivals.delete(digest);
    this.#claims.delete(digest);
    this.#kept.delete(digest);
    clearTimeout(this.#expiring.get(digest));
    this.#expiring.delete(digest);
  }
}
