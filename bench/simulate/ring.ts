/** A queue whose ends cost the same however long it is. */
export class Ring<T> {
  #items: (T | undefined)[] = new Array<T | undefined>(16).fill(undefined);
  #first = 0;
  #length = 0;

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow();
    this.#items[(this.#first + this.#length) & (this.#items.length - 1)] = item;
    this.#length++;
  }

  /** Takes the first one out. */
  shift(): T | undefined {
    const item = this.#items[this.#first];
    if (this.#length === 0) return undefined;
    this.#items[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#items.length - 1);
    this.#length--;
    return item;
  }

  /** Lengths are powers of two: places wrap around by a mask. */
  #grow(): void {
    const items = [...this.#items.slice(this.#first), ...this.#items.slice(0, this.#first)];
    this.#items = [...items, ...new Array<T | undefined>(items.length).fill(undefined)];
    this.#first = 0;
  }
}
