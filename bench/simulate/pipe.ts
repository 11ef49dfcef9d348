/** When the first and the last of some bytes come to a place, in milliseconds. */
export interface Passing {
  readonly startMs: number;
  readonly endMs: number;
}

/** Lets bytes through at a rate, in the order in which they come. */
export class Pipe {
  readonly #bytesPerMs: number;
  #freeAtMs = 0;
  #bytes = 0;

  constructor(bytesPerMs: number) {
    this.#bytesPerMs = bytesPerMs;
  }

  /** Bytes that went through. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * When the last of `length` bytes is through: each goes on as it comes, so a pipe that is idle
   * and fast enough adds nothing.
   */
  pass(length: number, { startMs, endMs }: Passing): number {
    this.#bytes += length;
    const throughMs = Math.max(this.#freeAtMs, startMs) + length / this.#bytesPerMs;
    this.#freeAtMs = Math.max(endMs, throughMs);
    return this.#freeAtMs;
  }
}
