/** Part of what was noted last in the rate: bursts of single sources are not the link's. */
const newPart = 0.3;

/** Part of the best rate that is left after each note: others may share the link by now. */
const keptPart = 0.995;

/**
 * How fast a download has been at its best, which is as fast as its link lets it be if anything was:
 * the time that what is missing will take, whoever gives it. Time is given.
 */
export class DownloadPace {
  #bytes = 0;
  #atMs: number;
  #rate = 0;
  #best = 0;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** Notes how many bytes have come up to now; called again and again, some times a second. */
  note(bytes: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#atMs;
    if (elapsedMs <= 0) return;
    const rate = ((bytes - this.#bytes) * 1000) / elapsedMs;
    this.#rate += (rate - this.#rate) * newPart;
    this.#best = Math.max(this.#rate, this.#best * keptPart);
    this.#bytes = bytes;
    this.#atMs = nowMs;
  }

  /** Seconds that so many bytes need at least, also by a source of that rate; 0 while nothing is known. */
  secondsFor(bytes: number, rate = 0): number {
    const best = Math.max(this.#best, rate);
    return best === 0 ? 0 : bytes / best;
  }
}
