/**
 * For how long an asker holds its place and has no use for it. Of a blob that grows, who has asked
 * for every piece that it was told of waits for news, and is not idle. What it got elsewhere is not
 * known here: who has others to ask may leave its place to who has none. Time is given.
 */
export class PlaceUse {
  readonly #isGrowing: boolean;
  /** When it last asked for a block, or took one. */
  #usedAtMs: number;
  /** Pieces that it was told of and has not asked for. */
  #leftCount = 0;
  /** Since when there are such pieces. */
  #leftSinceMs: number;

  constructor({ isGrowing, nowMs }: { readonly isGrowing: boolean; readonly nowMs: number }) {
    this.#isGrowing = isGrowing;
    this.#usedAtMs = nowMs;
    this.#leftSinceMs = nowMs;
  }

  /** It was told of so many pieces more. */
  told(count: number, nowMs: number): void {
    if (this.#leftCount === 0) this.#leftSinceMs = nowMs;
    this.#leftCount += count;
  }

  /** It has asked for a part of a piece, or for the last part. */
  asked(nowMs: number, { isLast }: { readonly isLast: boolean }): void {
    this.#usedAtMs = nowMs;
    if (isLast && this.#leftCount > 0) this.#leftCount--;
  }

  /** It has taken a block. */
  took(nowMs: number): void {
    this.#usedAtMs = nowMs;
  }

  idleMs(nowMs: number): number {
    if (!this.#isGrowing) return nowMs - this.#usedAtMs;
    return this.#leftCount === 0 ? 0 : nowMs - Math.max(this.#usedAtMs, this.#leftSinceMs);
  }
}
