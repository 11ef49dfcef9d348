import type { Clock } from "../ports/clock.ts";

/** What {@link DueTimer} works with. */
export interface DueTimerDeps {
  readonly clock: Clock;
  /** Milliseconds that a look waits at least, so that what is due soon after is looked at with it. */
  readonly pauseMs: number;
  /** Looks for what is due, and says then when to look next. */
  readonly look: () => void;
}

/** One timer for all that is due: goes off at the soonest of the moments that it was told. */
export class DueTimer implements Disposable {
  readonly #deps: DueTimerDeps;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #isOver = false;

  constructor(deps: DueTimerDeps) {
    this.#deps = deps;
  }

  /** @param dueMs by the monotonic clock; nothing happens when a look comes before it anyway */
  wakeAt(dueMs: number): void {
    if (this.#isOver || dueMs >= this.#dueMs) return;
    const { clock, pauseMs, look } = this.#deps;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(
      () => {
        this.#dueMs = Number.POSITIVE_INFINITY;
        look();
      },
      Math.max(pauseMs, dueMs - clock.monotonicMs()),
    );
  }

  /** From now on it never goes off. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}
