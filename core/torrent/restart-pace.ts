/** Least time between two restarts in milliseconds: a bug that strikes at once must not spin. */
export const restartPauseMs = 10_000;

/** Says when what has died may be started again: at once, unless that was done a moment ago. */
export class RestartPace {
  #lastAtMs = -Infinity;

  /** Milliseconds to wait before the restart, which is noted as done then. */
  delayMs(nowMs: number): number {
    const atMs = Math.max(nowMs, this.#lastAtMs + restartPauseMs);
    this.#lastAtMs = atMs;
    return atMs - nowMs;
  }
}
