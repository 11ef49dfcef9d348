/** Indexes in no order, of which any can be looked at, put in and taken out at once. */
export class IndexSet {
  readonly #indexes: Uint32Array;
  /** Where each stands; -1 when it is not in. */
  readonly #position: Int32Array;
  #size = 0;

  /** @param length All indexes are less. */
  constructor(length: number) {
    this.#indexes = new Uint32Array(length);
    this.#position = new Int32Array(length).fill(-1);
  }

  get size(): number {
    return this.#size;
  }

  has(index: number): boolean {
    return (this.#position[index] ?? -1) >= 0;
  }

  /** One of them, by a place less than {@link size}. */
  at(place: number): number {
    return this.#indexes[place] ?? 0;
  }

  /** Puts in one that is not in. */
  add(index: number): void {
    this.#position[index] = this.#size;
    this.#indexes[this.#size++] = index;
  }

  delete(index: number): void {
    const position = this.#position[index] ?? -1;
    if (position < 0) return;
    const last = this.#indexes[--this.#size] ?? 0;
    this.#indexes[position] = last;
    this.#position[last] = position;
    this.#position[index] = -1;
  }
}
