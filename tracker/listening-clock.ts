import type { Clock } from "../core/ports/clock.ts";

/** What {@link ListeningClock} works with. */
export interface ListeningClockDeps {
  readonly clock: Clock;
  /** Milliseconds between two looks. */
  readonly lookIntervalMs: number;
}

/** Intervals that may pass between two looks: the machine may be busy, and not stand still. */
const intervalsMax = 2;

/**
 * Time that passes only while a tracker hears of peers: it stands still while the process is
 * stopped, or its machine, for then nobody was silent.
 */
export class ListeningClock implements Clock {
  readonly #clock: Clock;
  readonly #stepMaxMs: number;
  #lookedMs: number | undefined;
  #missedMs = 0;

  constructor({ clock, lookIntervalMs }: ListeningClockDeps) {
    this.#clock = clock;
    this.#stepMaxMs = lookIntervalMs * intervalsMax;
  }

  now(): bigint {
    return this.#clock.now();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs() - this.#missedMs;
  }

  /**
   * Must be called at every interval. What it comes too late was no time of this clock.
   *
   * @param timerMs Time as the timer counts it that calls.
   */
  look(timerMs: number): void {
    const stepMs = timerMs - (this.#lookedMs ?? timerMs);
    this.#lookedMs = timerMs;
    this.#missedMs += Math.max(0, stepMs - this.#stepMaxMs);
  }
}
