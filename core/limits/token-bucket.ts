/** What an idle bucket may give at once: 2 % of what it gives in 5 s, and more than a timer is late. */
const burstMs = 100;

const burstNs = BigInt(burstMs) * 1_000_000n;

/** Numbers of one bucket in the memory that threads share. */
export const bucketCells = 3;

const paidUntilCell = 0;
const rateCell = 1;
const takenCell = 2;

/**
 * A token bucket in memory that threads share, as a pure function of time: each who takes bytes
 * is told from when on they may move, one after the other. No lock, and nobody who waits inside.
 *
 * It keeps the moment until which all that was taken is paid for (a "generic cell rate
 * algorithm"), so a change of the rate needs no word to anybody.
 */
export class TokenBucket {
  readonly #cells: BigInt64Array;

  /** @param cells {@link bucketCells} of them, zero at first; over shared memory for several threads. */
  constructor(cells: BigInt64Array) {
    this.#cells = cells;
  }

  /** Bytes per second; 0 when there is no limit. */
  get rate(): number {
    return Number(Atomics.load(this.#cells, rateCell));
  }

  set rate(bytesPerSecond: number) {
    Atomics.store(this.#cells, rateCell, BigInt(Math.round(bytesPerSecond)));
  }

  /** Bytes that were taken so far, while there was a limit. */
  get taken(): number {
    return Number(Atomics.load(this.#cells, takenCell));
  }

  /**
   * Takes bytes and gives the moment from which on they may move, which may have passed. All
   * moments are in nanoseconds of a clock that never goes back, the same for all threads.
   */
  take(bytes: number, nowNs: bigint): bigint {
    const { rate } = this;
    if (rate === 0) return nowNs;
    const costNs = costOf(bytes, rate);
    for (;;) {
      const paidUntil = Atomics.load(this.#cells, paidUntilCell);
      const earliest = nowNs - burstNs;
      const start = paidUntil > earliest ? paidUntil : earliest;
      const before = Atomics.compareExchange(this.#cells, paidUntilCell, paidUntil, start + costNs);
      if (before !== paidUntil) continue;
      Atomics.add(this.#cells, takenCell, BigInt(bytes));
      return start;
    }
  }

  /** Puts back bytes that were taken and did not move. */
  giveBack(bytes: number): void {
    const { rate } = this;
    if (rate === 0 || bytes === 0) return;
    Atomics.sub(this.#cells, paidUntilCell, costOf(bytes, rate));
    Atomics.sub(this.#cells, takenCell, BigInt(bytes));
  }
}

function costOf(bytes: number, rate: number): bigint {
  return BigInt(Math.ceil((bytes * 1e9) / rate));
}
