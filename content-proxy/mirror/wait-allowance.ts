/** Bytes for which a client waits once more for as long as a stall may last: a piece of most blobs. */
const earningBytes = 1024 * 1024;

/**
 * How long a client is kept waiting for the bytes of one body: for each mebibyte as long as one
 * stall may last. Bytes that come in drops would hold a pull for as long as they like else, for
 * each drop ends a stall.
 */
export class WaitAllowance {
  readonly #stallTimeoutMs: number;
  #waitedMs = 0;
  #givenBytes = 0;

  constructor({ stallTimeoutMs }: { readonly stallTimeoutMs: number }) {
    this.#stallTimeoutMs = stallTimeoutMs;
  }

  /** Notes that bytes came after a wait. */
  spend({ waitedMs, bytes }: { readonly waitedMs: number; readonly bytes: number }): void {
    this.#waitedMs += waitedMs;
    this.#givenBytes += bytes;
  }

  /** It has waited for too long for what it got. */
  get isSpent(): boolean {
    return this.#waitedMs > this.#stallTimeoutMs * (1 + this.#givenBytes / earningBytes);
  }
}
