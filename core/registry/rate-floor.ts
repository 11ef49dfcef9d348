/**
 * What a sender must come at, in bytes per second, to be waited for: less than each of many blobs
 * gets that share the slowest link on which images are pulled at all.
 */
const bytesPerSecondMin = 4096;

/** Milliseconds that one may be slower: longer than the few tries take that nothing comes of. */
const allowanceMs = 60_000;

/**
 * How much longer a sender is waited for. A byte now and then ends each single wait, and would
 * keep a blob's place, and who waits for it, for as long as the sender likes.
 *
 * What came fast before does not pay for more than the allowance.
 */
export class RateFloor {
  #leftMs = allowanceMs;

  /** Notes that so many bytes came of a wait. */
  spend({ waitedMs, bytes }: { readonly waitedMs: number; readonly bytes: number }): void {
    const earnedMs = (bytes * 1000) / bytesPerSecondMin;
    this.#leftMs = Math.min(allowanceMs, this.#leftMs - waitedMs + earnedMs);
  }

  /** It was waited for too long for what it gave. */
  get isSpent(): boolean {
    return this.#leftMs < 0;
  }
}
