import type { Clock } from "../ports/clock.ts";

/**
 * How often the offset between wall clock and monotonic clock is taken anew, so that
 * a step of NTP does not leave us behind for the life of the process.
 */
const anchorIntervalNs = 1_000_000_000n;

/** Nanoseconds that an anchor may jump before it counts as a step of the wall clock. */
const jitterNs = 2_000_000n;

/** The machine's time, with the resolution of its monotonic clock. */
export class SystemClock implements Clock {
  #anchorWall = 0n;
  #anchorMonotonic = 0n;
  #last = 0n;

  now(): bigint {
    const monotonic = process.hrtime.bigint();
    if (this.#last === 0n || monotonic - this.#anchorMonotonic > anchorIntervalNs) {
      this.#anchor(monotonic);
    }
    const now = this.#anchorWall + (monotonic - this.#anchorMonotonic);
    this.#last = now > this.#last ? now : this.#last + 1n;
    return this.#last;
  }

  monotonicMs(): number {
    return performance.now();
  }

  /** Date.now() is cut to milliseconds: it only corrects an anchor that is clearly off. */
  #anchor(monotonic: bigint): void {
    const coarse = BigInt(Date.now()) * 1_000_000n;
    const expected = this.#anchorWall + (monotonic - this.#anchorMonotonic);
    const drift = coarse - expected;
    const stepped = drift > jitterNs || drift < -jitterNs;
    this.#anchorWall = this.#last === 0n || stepped ? wallNow() : expected;
    this.#anchorMonotonic = stepped ? process.hrtime.bigint() : monotonic;
  }
}

/** Wall-clock time in ns. `timeOrigin` has microseconds where Date.now() has milliseconds. */
function wallNow(): bigint {
  const fine = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
  const coarse = BigInt(Date.now()) * 1_000_000n;
  const drift = coarse - fine;
  return drift > jitterNs || drift < -jitterNs ? coarse : fine;
}
