import type { Digest } from "../core/digest.ts";
import type { Arrival } from "./arrival.ts";
import { Standstill } from "./standstill.ts";

type Promised = Pick<Arrival, "digest" | "promised" | "bytesDone" | "bytesGiven" | "hasSource">;

/** Milliseconds by which a timer is late only in a process that stood still itself. */
const lateMs = 1000;

/**
 * Milliseconds for which blobs that moved until a moment ago are watched after one was lost: less
 * than the kubelet lets pass before it pulls again, so that this pull does not wait for them.
 */
const aftermathMs = 8000;

/**
 * Tells which promised blobs do not come. Those that were lost together are told of together: the
 * next pull wants all of them. While others move, one that somebody has only waits for its turn.
 */
export class BrokenPromises<One extends Promised = Arrival> implements Disposable {
  readonly #arrivals: Iterable<One>;
  readonly #onBroken: (digest: Digest) => void;
  #aftermath: { readonly standstill: Standstill<One>; readonly timer: NodeJS.Timeout } | undefined;
  #isDisposed = false;

  constructor(deps: {
    readonly arrivals: Iterable<One>;
    readonly onBroken: (digest: Digest) => void;
  }) {
    this.#arrivals = deps.arrivals;
    this.#onBroken = deps.onBroken;
  }

  /**
   * A read of a blob has failed.
   *
   * @param standstill What was seen of all blobs while that read waited.
   */
  async tell(digest: Digest, standstill: Standstill<One>): Promise<void> {
    this.#onBroken(digest);
    const still = standstill.stillOnes().filter((arrival) => arrival.digest !== digest);
    await Promise.all(
      still.map(async (arrival) => {
        const isWaiting = standstill.isAnyMoving && (await arrival.hasSource());
        if (!isWaiting) this.#onBroken(arrival.digest);
      }),
    );
    this.#watchOthers();
  }

  /** Watches nothing any more. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#endAftermath();
  }

  /** Looks once more at what moved until a moment ago, and may be lost as well. */
  #watchOthers(): void {
    if (this.#aftermath || this.#isDisposed) return;
    const standstill = new Standstill<One>(this.#arrivals, { forMs: aftermathMs });
    const dueMs = performance.now() + aftermathMs;
    const timer = setTimeout(() => {
      const isLate = performance.now() - dueMs > lateMs;
      void this.#look(isLate ? [] : standstill.stillOnes(), { isAgain: isLate });
    }, aftermathMs);
    this.#aftermath = { standstill, timer };
  }

  /** Tells of those that nobody has. While we stood still ourselves, all did: that says nothing. */
  async #look(still: readonly One[], { isAgain }: { readonly isAgain: boolean }): Promise<void> {
    for (const arrival of still) {
      if (!(await arrival.hasSource())) this.#onBroken(arrival.digest);
    }
    this.#endAftermath();
    if (isAgain) this.#watchOthers();
  }

  #endAftermath(): void {
    if (!this.#aftermath) return;
    clearTimeout(this.#aftermath.timer);
    this.#aftermath.standstill[Symbol.dispose]();
    this.#aftermath = undefined;
  }
}
