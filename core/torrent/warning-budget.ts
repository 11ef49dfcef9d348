/** Lines in one period: enough to see what goes on, whatever a crowd of bad peers does. */
const linesMax = 50;

/** Length of a period in milliseconds. */
const periodMs = 10_000;

/**
 * Bounds how much is said about others' misbehaviour, for who misbehaves could make us
 * say it without end: each line is a message to the other thread and one in the log.
 */
export class WarningBudget {
  readonly #now: () => number;
  #periodStart = -Infinity;
  #spent = 0;
  #dropped = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Gives how many lines were dropped since the last one; `undefined` when this one is to be. */
  spend(): number | undefined {
    const nowMs = this.#now();
    if (nowMs - this.#periodStart >= periodMs) {
      this.#periodStart = nowMs;
      this.#spent = 0;
    }
    if (this.#spent >= linesMax) {
      this.#dropped++;
      return undefined;
    }
    this.#spent++;
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}
