import { DueActions } from "./due-actions.ts";
import { EventQueue, type Happening } from "./event-queue.ts";

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
    const lane = this.#lanes.get(delayMs) ?? new Lane(delayMs, this);
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
      if (next) next.run(nextMs);
      else this.#queue.take()?.happen(nextMs);
    }
  }
}

/** A queue of what happens a fixed time after it was ordered: it needs no sorting. */
export class Lane {
  readonly #delayMs: number;
  readonly #timeline: Pick<Timeline, "nowMs">;
  readonly #orders = new DueActions();

  constructor(delayMs: number, timeline: Pick<Timeline, "nowMs">) {
    this.#delayMs = delayMs;
    this.#timeline = timeline;
  }

  /** When the next one happens; Infinity when there is none. */
  get nextMs(): number {
    return this.#orders.nextMs;
  }

  after(action: Happening): void {
    this.#orders.push(this.#timeline.nowMs + this.#delayMs, action);
  }

  /** Has the next one happen. */
  run(nowMs: number): void {
    this.#orders.shift()?.happen(nowMs);
  }
}
