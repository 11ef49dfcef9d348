import { DueActions } from "./due-actions.ts";
import type { Happening } from "./event-queue.ts";
import { type Passing, Pipe } from "./pipe.ts";
import type { Timeline } from "./timeline.ts";

/** The receiving half of a host's link. What comes waits there, as in the last switch before it. */
export class Downlink implements Happening {
  readonly #timeline: Timeline;
  readonly #pipe: Pipe;
  readonly #arrivals = new DueActions();

  constructor(timeline: Timeline, bytesPerMs: number) {
    this.#timeline = timeline;
    this.#pipe = new Pipe(bytesPerMs);
  }

  /** Bytes that came. */
  get bytes(): number {
    return this.#pipe.bytes;
  }

  /** Takes in bytes; `action` happens when the last one is through. */
  accept(length: number, passing: Passing, action: Happening): void {
    const timeMs = this.#pipe.pass(length, passing);
    this.#arrivals.push(timeMs, action);
    if (this.#arrivals.length === 1) this.#timeline.at(timeMs, this);
  }

  happen(nowMs: number): void {
    this.#arrivals.shift()?.happen(nowMs);
    if (this.#arrivals.length > 0) this.#timeline.at(this.#arrivals.nextMs, this);
  }
}
