import { EventQueue, type Happening } from "./event-queue.ts";
import { Ring } from "./ring.ts";

/** The time of a simulation, and what is to happen in it. */
export class Timeline {
  readonly #queue = new EventQueue();
  readonly #lanes = new Map<number, Lane>();
  #nowMs = 0;
  #count = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Things that have happened. */
  get count(): number {
    return this.#count;
  }

  /** Has something happen at a time, or now when that is over. */
  at(timeMs: number, event: Happening): void {
    this.#queue.add(Math.max(timeMs, this.#nowMs), event);
  }

  /** What happens always the same time after it was ordered: messages, which are many. */
  lane(delayMs: number): Lane {
    const lane = this.#lanes.get(delayMs) ?? new Lane(delayMs, () => this.#nowMs);
    this.#lanes.set(delayMs, lane);
    return lane;
  }

  /**
   * Has everything happen until `untilMs`, or until `isOver` gives true.
   *
   * @throws {RangeError} when nothing is left before that.
   */
  run({ untilMs, isOver }: { readonly untilMs: number; readonly isOver: () => boolean }): void {
    const lanes = [...this.#lanes.values()];
    while (!isOver()) {
      let next: Lane | undefined;
      let nextMs = this.#queue.nextMs;
      for (const lane of lanes) {
        if (lane.nextMs >= nextMs) continue;
        next = lane;
        nextMs = lane.nextMs;
      }
      if (nextMs === Infinity) throw new RangeError("Cannot go on: nothing is to happen any more");
      if (nextMs > untilMs) return;
      this.#nowMs = nextMs;
      this.#count++;
      if (next) next.run();
      else this.#queue.take()?.happen(nextMs);
    }
  }
}

interface Order {
  readonly timeMs: number;
  readonly action: () => void;
}

/** A queue of what happens a fixed time after it was ordered: it needs no sorting. */
export class Lane {
  readonly #delayMs: number;
  readonly #now: () => number;
  readonly #orders = new Ring<Order>();

  constructor(delayMs: number, now: () => number) {
    this.#delayMs = delayMs;
    this.#now = now;
  }

  /** When the next one happens; Infinity when there is none. */
  get nextMs(): number {
    return this.#orders.peek()?.timeMs ?? Infinity;
  }

  after(action: () => void): void {
    this.#orders.push({ timeMs: this.#now() + this.#delayMs, action });
  }

  /** Has the next one happen. */
  run(): void {
    this.#orders.shift()?.action();
  }
}
