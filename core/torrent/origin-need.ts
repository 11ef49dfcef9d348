/**
 * Silence of the swarm that is enough once it was silent for long: it is the same
 * trouble, and a reader waits.
 */
const silenceAgainMs = 1500;

/**
 * Decides when the origin is asked: it is what all of this is to spare, so only when
 * nobody in the swarm gives anything.
 */
export class OriginNeed {
  readonly #silenceMs: number;
  #isNeeded = false;
  #wasNeeded = false;

  /** @param options `silenceMs`: how long the swarm gave no byte until the origin is asked. */
  constructor(options: { readonly silenceMs: number }) {
    this.#silenceMs = options.silenceMs;
  }

  get isNeeded(): boolean {
    return this.#isNeeded;
  }

  /**
   * Looks at how long the swarm has been silent. Gives true when the need begins with it.
   *
   * @param silence `bytesMs`: no byte came for so long; `isLate`: no piece came within its bound.
   */
  update(silence: { readonly bytesMs: number; readonly isLate: boolean }): boolean {
    if (this.#isNeeded) return false;
    const enoughMs = this.#wasNeeded ? Math.min(silenceAgainMs, this.#silenceMs) : this.#silenceMs;
    this.#isNeeded = silence.isLate || silence.bytesMs > enoughMs;
    this.#wasNeeded ||= this.#isNeeded;
    return this.#isNeeded;
  }

  /** Somebody in the swarm gave a piece. */
  swarmGave(): void {
    this.#isNeeded = false;
  }
}
