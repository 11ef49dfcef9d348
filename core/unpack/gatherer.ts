/** Puts pieces of a stream together where they are spread over chunks. */
export class Gatherer {
  #parts: Buffer[] = [];
  #length = 0;

  /** How much of the next piece is here. */
  get length(): number {
    return this.#length;
  }

  /**
   * Takes bytes of the next piece: all of it, or as many as there are.
   *
   * @param wanted Length of the whole piece.
   * @returns The piece when it is whole: `bytes` themselves, if they are all of it.
   */
  take(bytes: Buffer, wanted: number): Buffer | undefined {
    if (bytes.length === wanted) return bytes;
    // A chunk is its giver's again after the call.
    this.#parts.push(Buffer.from(bytes));
    this.#length += bytes.length;
    if (this.#length < wanted) return undefined;
    const piece = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    return piece;
  }
}
