/** Places are kept in 16 bits, as one more than they are; a torrent has 8,192 pieces at most. */
const lengthMax = 0xffff;

/** Indexes in no order, of which any can be looked at, put in and taken out at once. */
export class IndexSet {
  // Picking looks at dozens of them at random places: the less room they take, the more are at hand.
  readonly #indexes: Uint16Array;
  /** One more than the place where each stands; 0 when it is not in. */
  readonly #position: Uint16Array;
  #size = 0;

  /** @param length All indexes are less; at most 65,535. */
  constructor(length: number) {
    if (length > lengthMax) throw new RangeError(`Cannot hold ${length} indexes`);
    this.#indexes = new Uint16Array(length);
    this.#position = new Uint16Array(length);
  }

  get size(): number {
    return this.#size;
  }

  has(index: number): boolean {
    return (this.#position[index] ?? 0) > 0;
  }

  /** One of them, by a place less than {@link size}. */
  at(place: number): number {
    return this.#indexes[place] ?? 0;
  }

  /** Puts in one that is not in. */
  add(index: number): void {
    this.#indexes[this.#size++] = index;
    this.#position[index] = this.#size;
  }

  delete(index: number): void {
    const position = this.#position[index] ?? 0;
    if (position === 0) return;
    const last = this.#indexes[--this.#size] ?? 0;
    this.#indexes[position - 1] = last;
    this.#position[last] = position;
    this.#position[index] = 0;
  }
}
