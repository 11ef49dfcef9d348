import type { Happening } from "./event-queue.ts";
import { type Passing, Pipe } from "./pipe.ts";
import { Ring } from "./ring.ts";
import type { Timeline } from "./timeline.ts";

interface Arrival {
  readonly timeMs: number;
  readonly action: () => void;
}

/** The receiving half of a host's link. What comes waits there, as in the last switch before it. */
export class Downlink implements Happening {
  readonly #timeline: Timeline;
  readonly #pipe: Pipe;
  readonly #arrivals = new Ring<Arrival>();

  constructor(timeline: Timeline, bytesPerMs: number) {
    this.#timeline = timeline;
    this.#pipe = new Pipe(bytesPerMs);
  }

  /** Bytes that came. */
  get bytes(): number {
    return this.#pipe.bytes;
  }

  /** Takes in bytes; `action` is done when the last one is through. */
  accept(length: number, passing: Passing, action: () => void): void {
    const timeMs = this.#pipe.pass(length, passing);
    this.#arrivals.push({ timeMs, action });
    if (this.#arrivals.length === 1) this.#timeline.at(timeMs, this);
  }

  happen(): void {
    this.#arrivals.shift()?.action();
    const next = this.#arrivals.peek();
    if (next) this.#timeline.at(next.timeMs, this);
  }
}
