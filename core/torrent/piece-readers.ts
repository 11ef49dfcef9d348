/**
 * Pieces at a reader's position that come before rarity, while nobody else has them:
 * enough for a reader not to wait for each, few enough not to make a crowd of readers
 * ask the seeder for the same ones.
 */
const windowMin = 4;

/**
 * As far as a reader's window grows over pieces that other nodes have as well, or while
 * there are no others to trade with: what a reader has to wait for comes in its order.
 */
const windowMax = 16;

export interface PieceReadersDeps {
  readonly pieceCount: number;
  /** End of the pieces that are looked at. */
  readonly end: () => number;
  readonly isMissing: (index: number) => boolean;
}

/** Where readers of a blob wait, and how many pieces from there come in their order. */
export class PieceReaders {
  readonly #deps: PieceReadersDeps;
  readonly #positions = new Map<number, number>();

  constructor(deps: PieceReadersDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#positions.size;
  }

  /** Notes that a reader waits at a piece. `reader` is any number that is not in use. */
  add(reader: number, index: number): void {
    this.#positions.set(reader, index);
  }

  remove(reader: number): void {
    this.#positions.delete(reader);
  }

  /** Where the reader waits that has waited longest for a piece that can be looked at. */
  first(): number | undefined {
    const end = this.#deps.end();
    for (const position of this.positions()) if (position < end) return position;
    return undefined;
  }

  /** The first piece that each reader waits for: what is here already is behind it. */
  *positions(): Generator<number, void> {
    for (const [reader, position] of this.#positions) {
      let index = position;
      while (index < this.#deps.end() && !this.#deps.isMissing(index)) index++;
      this.#positions.set(reader, index);
      yield index;
    }
  }

  /** End of the pieces that a reader cannot do without for long. */
  urgentEnd(position: number): number {
    return Math.min(position + windowMin, this.#deps.pieceCount);
  }

  /** End of a reader's window. @param crowd What other nodes have; `undefined` without them. */
  windowEnd(position: number, crowd: { had(index: number): number } | undefined): number {
    const limit = Math.min(position + windowMax, this.#deps.pieceCount);
    if (!crowd) return limit;
    let end = this.urgentEnd(position);
    while (end < limit && crowd.had(end) > 0) end++;
    return end;
  }
}
