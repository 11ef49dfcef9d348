/** Something that happens at a time. */
export interface Happening {
  happen(nowMs: number): void;
}

/** What happens when, the earliest first: a heap, for at every time some thousand things wait. */
export class EventQueue {
  #times = new Float64Array(1024);
  readonly #events: Happening[] = [];

  /** When the next one happens; Infinity when there is none. */
  get nextMs(): number {
    return this.#events.length > 0 ? (this.#times[0] ?? Infinity) : Infinity;
  }

  add(timeMs: number, event: Happening): void {
    const size = this.#events.push(event);
    if (size > this.#times.length) this.#grow();
    this.#rise(size - 1, timeMs, event);
  }

  /** Takes the next one out. */
  take(): Happening | undefined {
    const first = this.#events[0];
    const last = this.#events.pop();
    if (last !== undefined && this.#events.length > 0) {
      this.#sink(this.#times[this.#events.length] ?? 0, last);
    }
    return first;
  }

  #rise(start: number, timeMs: number, event: Happening): void {
    let place = start;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const parentMs = this.#times[parent] ?? 0;
      const above = this.#events[parent];
      if (parentMs <= timeMs || above === undefined) break;
      this.#times[place] = parentMs;
      this.#events[place] = above;
      place = parent;
    }
    this.#times[place] = timeMs;
    this.#events[place] = event;
  }

  #sink(timeMs: number, event: Happening): void {
    const size = this.#events.length;
    let place = 0;
    for (let child = 1; child < size; child = 2 * place + 1) {
      const other = child + 1;
      if (other < size && (this.#times[other] ?? 0) < (this.#times[child] ?? 0)) child = other;
      const childMs = this.#times[child] ?? 0;
      const below = this.#events[child];
      if (timeMs <= childMs || below === undefined) break;
      this.#times[place] = childMs;
      this.#events[place] = below;
      place = child;
    }
    this.#times[place] = timeMs;
    this.#events[place] = event;
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2);
    times.set(this.#times);
    this.#times = times;
  }
}
