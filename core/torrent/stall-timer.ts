/**
 * Bytes that are a sign of life, unless they end a block: three packets. Who gives single ones
 * now and then holds pieces that others would have given long since.
 */
const lifeLengthMin = 4 * 1024;

/**
 * Tells that a source owes bytes and gave none for a while. It is asked, so that a
 * thousand connections need no thousand timers.
 */
export class StallTimer {
  readonly #boundMs: number;
  /** Not a number while nothing is owed: what is always a number is changed in place. */
  #owedSince = NaN;
  /** Bytes that came since the bound last started anew. */
  #bytes = 0;

  constructor(boundMs: number) {
    this.#boundMs = boundMs;
  }

  /** A block came, or bytes were asked for: the bound starts anew. */
  restart(nowMs: number): void {
    this.#owedSince = nowMs;
    this.#bytes = 0;
  }

  /** Bytes came; enough of them start the bound anew. */
  came(length: number, nowMs: number): void {
    this.#bytes += length;
    if (this.#bytes >= lifeLengthMin) this.restart(nowMs);
  }

  /** Nothing is owed. */
  stop(): void {
    this.#owedSince = NaN;
  }

  /** Milliseconds since the last sign of life, 0 when nothing is owed. */
  silentMs(nowMs: number): number {
    return Number.isNaN(this.#owedSince) ? 0 : nowMs - this.#owedSince;
  }

  isStalled(nowMs: number): boolean {
    return this.silentMs(nowMs) >= this.#boundMs;
  }
}
