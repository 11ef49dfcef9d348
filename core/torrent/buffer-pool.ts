/**
 * Reuses buffers, and bounds how many bytes are in use. Allocating a megabyte costs
 * more than filling it (Node 24 zero-fills it as well), and the garbage of a fast
 * download outgrows its collector.
 */
export class BufferPool {
  readonly #bytesMax: number;
  readonly #free = new Map<number, Buffer[]>();
  #bytesFree = 0;
  #bytesUsed = 0;

  /** @param bytesMax Bound of what is handed out, but for one buffer that may always be had. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes handed out. */
  get bytesUsed(): number {
    return this.#bytesUsed;
  }

  /** Bytes that may still be handed out. */
  get bytesLeft(): number {
    return Math.max(0, this.#bytesMax - this.#bytesUsed);
  }

  /** Whether {@link take} would give a buffer of `length` bytes. */
  hasRoom(length: number): boolean {
    return this.#bytesUsed === 0 || this.#bytesUsed + length <= this.#bytesMax;
  }

  /** A buffer of `length` bytes with any content, or `undefined` when too much is in use. */
  take(length: number): Buffer | undefined {
    if (!this.hasRoom(length)) return undefined;
    this.#bytesUsed += length;
    const reused = this.#free.get(length)?.pop();
    if (reused) {
      this.#bytesFree -= length;
      return reused;
    }
    if (this.#bytesUsed + this.#bytesFree > this.#bytesMax) this.trim();
    return Buffer.allocUnsafeSlow(length);
  }

  /** Takes a buffer back. Its last user must not touch it any more. */
  giveBack(buffer: Buffer): void {
    this.#bytesUsed -= buffer.length;
    this.#bytesFree += buffer.length;
    const free = this.#free.get(buffer.length);
    if (free) free.push(buffer);
    else this.#free.set(buffer.length, [buffer]);
  }

  /** Lets go of buffers that are not in use. */
  trim(): void {
    this.#free.clear();
    this.#bytesFree = 0;
  }
}
