/**
 * Tells that a source owes bytes and gave none for a while. It is asked, so that a
 * thousand connections need no thousand timers.
 */
export class StallTimer {
  readonly #boundMs: number;
  #owedSince: number | undefined;

  constructor(boundMs: number) {
    this.#boundMs = boundMs;
  }

  /** Bytes came, or were asked for: the bound starts anew. */
  restart(nowMs: number): void {
    this.#owedSince = nowMs;
  }

  /** Nothing is owed. */
  stop(): void {
    this.#owedSince = undefined;
  }

  /** Milliseconds since the last sign of life, 0 when nothing is owed. */
  silentMs(nowMs: number): number {
    return this.#owedSince === undefined ? 0 : nowMs - this.#owedSince;
  }

  isStalled(nowMs: number): boolean {
    return this.silentMs(nowMs) >= this.#boundMs;
  }
}
