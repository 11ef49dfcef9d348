import type { Happening } from "./event-queue.ts";

/** Happenings and when each is due, in the order in which they came: times never go back. */
export class DueActions {
  #times = new Float64Array(8);
  #actions: (Happening | undefined)[] = new Array<Happening | undefined>(8).fill(undefined);
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** When the first one is due; Infinity when there is none. */
  get nextMs(): number {
    return this.#length === 0 ? Infinity : (this.#times[this.#first] ?? Infinity);
  }

  push(timeMs: number, action: Happening): void {
    if (this.#length === this.#times.length) this.#grow();
    const place = (this.#first + this.#length) & (this.#times.length - 1);
    this.#times[place] = timeMs;
    this.#actions[place] = action;
    this.#length++;
  }

  /** Takes the first one out. */
  shift(): Happening | undefined {
    if (this.#length === 0) return undefined;
    const action = this.#actions[this.#first];
    this.#actions[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#times.length - 1);
    this.#length--;
    return action;
  }

  /** Lengths are powers of two: places wrap around by a mask. */
  #grow(): void {
    const length = this.#times.length;
    const times = new Float64Array(2 * length);
    const actions = new Array<Happening | undefined>(2 * length).fill(undefined);
    for (let step = 0; step < length; step++) {
      const place = (this.#first + step) & (length - 1);
      times[step] = this.#times[place] ?? 0;
      actions[step] = this.#actions[place];
    }
    this.#times = times;
    this.#actions = actions;
    this.#first = 0;
  }
}
