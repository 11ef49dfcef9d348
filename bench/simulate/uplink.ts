import type { Happening } from "./event-queue.ts";
import { Ring } from "./ring.ts";
import type { Timeline } from "./timeline.ts";

/** A connection that may owe bytes to its other end. */
export interface Outflow {
  /** In the round of those that are served; the uplink's own. */
  isInTurn: boolean;
  /** Takes the next block off what is owed. Gives its length, 0 when nothing is owed. */
  next(nowMs: number): number;
  /** The block that was taken last has left, between these times. */
  sent(startMs: number, endMs: number): void;
}

/**
 * The sending half of a host's link. Connections take turns with a block each, as TCP shares a
 * link among flows of the same kind: each has its part, and what one does not use is others'.
 */
export class Uplink implements Happening {
  readonly #timeline: Timeline;
  readonly #bytesPerMs: number;
  readonly #turns = new Ring<Outflow>();
  #current: Outflow | undefined;
  /** Somebody is asked for its next block, which may have others woken. */
  #isChoosing = false;
  #startMs = 0;
  #bytes = 0;

  constructor(timeline: Timeline, bytesPerMs: number) {
    this.#timeline = timeline;
    this.#bytesPerMs = bytesPerMs;
  }

  /** Bytes that have left. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A connection owes something. */
  wake(flow: Outflow): void {
    if (flow.isInTurn) return;
    flow.isInTurn = true;
    this.#turns.push(flow);
    if (!this.#current && !this.#isChoosing) this.#serve();
  }

  happen(nowMs: number): void {
    const flow = this.#current;
    if (!flow) return;
    this.#current = undefined;
    this.#turns.push(flow);
    flow.sent(this.#startMs, nowMs);
    this.#serve();
  }

  #serve(): void {
    if (this.#current) return;
    const { nowMs } = this.#timeline;
    this.#isChoosing = true;
    for (let flow = this.#turns.shift(); flow; flow = this.#turns.shift()) {
      flow.isInTurn = false;
      const length = flow.next(nowMs);
      if (length === 0) continue;
      flow.isInTurn = true;
      this.#bytes += length;
      this.#current = flow;
      this.#startMs = nowMs;
      this.#timeline.at(nowMs + length / this.#bytesPerMs, this);
      break;
    }
    this.#isChoosing = false;
  }
}
