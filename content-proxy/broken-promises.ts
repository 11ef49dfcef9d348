import type { Digest } from "../core/digest.ts";
import type { Arrival } from "./arrival.ts";
import { Standstill } from "./standstill.ts";

type Promised = Pick<Arrival, "digest" | "promised" | "bytesDone" | "bytesGiven" | "hasSource">;

/** Milliseconds by which a timer is late only in a process that stood still itself. */
const lateMs = 1000;

/**
 * Milliseconds until the second look at other blobs after one was lost: less than the kubelet
 * lets pass before it pulls again, so that this pull does not wait for them.
 */
const aftermathMs = 8000;

/** A second look that is to come. */
interface Aftermath<One extends Promised> {
  readonly standstill: Standstill<One>;
  readonly timer: NodeJS.Timeout;
  /** What stood still with a blob that was lost, as all did. */
  readonly suspects: Set<Digest>;
}

/**
 * Tells which promised blobs do not come. Those that were lost together are told of together, or
 * soon after: the next pull wants all of them. While others move, one that somebody has only
 * waits for its turn. While nothing moves, the network may be away, which says nothing of who
 * has what; so nothing but what was read is told of before a second look.
 */
export class BrokenPromises<One extends Promised = Arrival> implements Disposable {
  readonly #arrivals: Iterable<One>;
  readonly #onBroken: (digest: Digest) => void;
  #aftermath: Aftermath<One> | undefined;
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
    const { isAnyMoving } = standstill;
    if (isAnyMoving) await this.#tellOfLost(still);
    this.#watchOthers(isAnyMoving ? [] : still.map((arrival) => arrival.digest));
  }

  /** Watches nothing any more. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#endAftermath();
  }

  /** Looks once more at all: also at what moved until a moment ago, and may be lost as well. */
  #watchOthers(suspects: Iterable<Digest>): void {
    if (this.#isDisposed) return;
    this.#aftermath ??= this.#startAftermath();
    for (const suspect of suspects) this.#aftermath.suspects.add(suspect);
  }

  #startAftermath(): Aftermath<One> {
    const standstill = new Standstill<One>(this.#arrivals, { forMs: aftermathMs });
    const suspects = new Set<Digest>();
    const dueMs = performance.now() + aftermathMs;
    const timer = setTimeout(() => {
      this.#endAftermath();
      // While we stood still ourselves, all did: that says nothing.
      if (performance.now() - dueMs > lateMs) this.#watchOthers(suspects);
      else void this.#look(standstill, suspects);
    }, aftermathMs);
    return { standstill, timer, suspects };
  }

  /** Tells of what nobody has, and of suspects while nothing moves: who has them hangs. */
  async #look(standstill: Standstill<One>, suspects: ReadonlySet<Digest>): Promise<void> {
    const still = standstill.stillOnes();
    const hanging = standstill.isAnyMoving
      ? []
      : still.filter((arrival) => suspects.has(arrival.digest));
    for (const { digest } of hanging) this.#onBroken(digest);
    await this.#tellOfLost(still.filter((arrival) => !hanging.includes(arrival)));
  }

  async #tellOfLost(still: readonly One[]): Promise<void> {
    await Promise.all(
      still.map(async (arrival) => {
        if (!(await arrival.hasSource())) this.#onBroken(arrival.digest);
      }),
    );
  }

  #endAftermath(): void {
    if (!this.#aftermath) return;
    clearTimeout(this.#aftermath.timer);
    this.#aftermath.standstill[Symbol.dispose]();
    this.#aftermath = undefined;
  }
}
