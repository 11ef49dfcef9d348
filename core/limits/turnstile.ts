import { FairLine } from "./fair-line.ts";
import type { TokenBucket } from "./token-bucket.ts";

/** Bytes that go through at once last this long, for flows to alternate finely. */
const turnMs = 10;

/** Bounds of that, in bytes: a small block, below which calls cost more than bytes; a large one. */
const turnMin = 16 * 1024;
const turnMax = 256 * 1024;

/** What one connection reads at once lasts this long: dozens may do so before any of it was paid for. */
const readMs = 2;

/**
 * Bytes of others after which one goes through for which nobody waits: few enough that those who
 * wait do not notice, and so many that its connections live, also when somebody wants them by now.
 */
const othersPerAhead = 64;

/** Time as limits see it. */
export interface LimitTime {
  /** Nanoseconds of a clock that never goes back and is the same in all threads. */
  now(): bigint;
  /** Calls `wake` once after so long. Gives what calls it off. */
  wakeAfter(durationMs: number, wake: () => void): () => void;
}

/** Somebody who wants bytes to go through. */
export interface Ticket {
  /** Names the flow, such as the blob, to which the bytes belong; each flow gets its share. */
  readonly flow: string;
  /** Nobody waits for them: all but a few go when all others have gone. */
  readonly isAhead: boolean;
  /** How many are still to go through. */
  bytes: number;
  /** All have gone through. */
  readonly onPassed: () => void;
}

/**
 * Where the bytes of one thread wait for a bucket, which other threads may use as well: the
 * threads take turns, and in each the flows do. One timer, however many wait.
 */
export class Turnstile {
  readonly #bucket: TokenBucket;
  readonly #time: LimitTime;
  readonly #line = new FairLine<Ticket>();
  readonly #aheadLine = new FairLine<Ticket>();
  /** Bytes that went through while some waited for which nobody waits. */
  #passedBefore = 0;
  /** Bytes that were taken for whoever is next, and from when on they may go. */
  #turn: { bytes: number; readonly startNs: bigint } | undefined;
  #callOff: (() => void) | undefined;
  #isServing = false;

  constructor(deps: { readonly bucket: TokenBucket; readonly time: LimitTime }) {
    this.#bucket = deps.bucket;
    this.#time = deps.time;
  }

  /** There is no limit: nobody need come. */
  get isOpen(): boolean {
    return this.#bucket.rate === 0;
  }

  /** Bytes that a connection should read at once at most, before they go through. */
  get readLength(): number {
    return this.isOpen ? Infinity : lengthOf(this.#bucket.rate, readMs);
  }

  /** Waits in line; {@link Ticket.onPassed} may be called before this returns. */
  enter(ticket: Ticket): void {
    this.#lineOf(ticket).add(ticket);
    this.#serve();
  }

  /** Wants nothing any more. */
  leave(ticket: Ticket): void {
    this.#lineOf(ticket).remove(ticket);
    this.#tidy();
  }

  /** Takes bytes that have gone through already: others wait for them. */
  charge(bytes: number): void {
    this.#bucket.take(bytes, this.#time.now());
  }

  #lineOf({ isAhead }: Ticket): FairLine<Ticket> {
    return isAhead ? this.#aheadLine : this.#line;
  }

  #first(): Ticket | undefined {
    const ahead = this.#aheadLine.first();
    const isDue = ahead && this.#passedBefore >= ahead.bytes * othersPerAhead;
    return isDue ? ahead : (this.#line.first() ?? ahead);
  }

  /** Lets through whom it may. Those who come back at once are served by the call under way. */
  #serve(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      for (let ticket = this.#first(); ticket; ticket = this.#first()) {
        const turn = (this.#turn ??= this.#takeTurn());
        const waitNs = turn.startNs - this.#time.now();
        if (waitNs > 0n && !this.isOpen) {
          this.#wakeAfter(waitNs);
          return;
        }
        this.#letThrough(ticket, turn);
      }
    } finally {
      this.#isServing = false;
      this.#tidy();
    }
  }

  #letThrough(ticket: Ticket, turn: { bytes: number }): void {
    const line = this.#lineOf(ticket);
    const bytes = this.isOpen ? ticket.bytes : Math.min(ticket.bytes, turn.bytes);
    line.note(ticket, bytes);
    if (ticket.isAhead)
      this.#passedBefore = Math.max(0, this.#passedBefore - bytes * othersPerAhead);
    else if (this.#aheadLine.length > 0) this.#passedBefore += bytes;
    ticket.bytes -= bytes;
    turn.bytes -= bytes;
    if (turn.bytes <= 0) this.#turn = undefined;
    if (ticket.bytes > 0) return;
    line.remove(ticket);
    ticket.onPassed();
  }

  #takeTurn(): { bytes: number; readonly startNs: bigint } {
    const bytes = lengthOf(this.#bucket.rate, turnMs);
    return { bytes, startNs: this.#bucket.take(bytes, this.#time.now()) };
  }

  #wakeAfter(waitNs: bigint): void {
    this.#callOff ??= this.#time.wakeAfter(Math.ceil(Number(waitNs) / 1e6), () => {
      this.#callOff = undefined;
      this.#serve();
    });
  }

  /** What was taken for nobody is for other threads, or for later. */
  #tidy(): void {
    if (this.#isServing || this.#line.length + this.#aheadLine.length > 0) return;
    this.#callOff?.();
    this.#callOff = undefined;
    if (this.#turn) this.#bucket.giveBack(this.#turn.bytes);
    this.#turn = undefined;
  }
}

/** Bytes that last so long at a rate, within bounds. */
function lengthOf(rate: number, durationMs: number): number {
  return Math.min(turnMax, Math.max(turnMin, Math.round((rate * durationMs) / 1000)));
}
