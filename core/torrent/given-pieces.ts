import { Bitfield } from "./bitfield.ts";

/**
 * For so long at least, and for twice as long at most, a piece that was asked for counts as a copy: by
 * then it has come and is told of by those who have it, or whoever asked is slow, or gone.
 */
const rememberedMs = 5000;

/**
 * Pieces of which who has a whole blob knows that somebody has asked it lately. A node knows what its
 * own peers fetch, but not what all others of a crowd do: without this the link that they all
 * wait for carries many pieces once for each neighbourhood.
 */
export class GivenPieces {
  readonly #pieceCount: number;
  #lately: Bitfield | undefined;
  #before: Bitfield | undefined;
  #turnedAtMs = -Infinity;

  constructor(pieceCount: number) {
    this.#pieceCount = pieceCount;
  }

  has(index: number): boolean {
    return (this.#lately?.has(index) ?? false) || (this.#before?.has(index) ?? false);
  }

  /** Notes a piece. Gives false when it was noted lately, so that others were told of it. */
  add(index: number, nowMs: number): boolean {
    this.tick(nowMs);
    this.#lately ??= new Bitfield(this.#pieceCount);
    return this.#lately.add(index);
  }

  /** Those that are remembered, in order. */
  *[Symbol.iterator](): Generator<number, void> {
    if (!this.#lately && !this.#before) return;
    for (let index = 0; index < this.#pieceCount; index++) if (this.has(index)) yield index;
  }

  /** Forgets what was long ago. */
  tick(nowMs: number): void {
    const passedMs = nowMs - this.#turnedAtMs;
    if (passedMs < rememberedMs) return;
    this.#before = passedMs < 2 * rememberedMs ? this.#lately : undefined;
    this.#lately = undefined;
    this.#turnedAtMs = nowMs;
  }
}
