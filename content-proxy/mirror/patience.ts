import { type Deadline, createDeadline } from "../../core/async/deadline.ts";
import { UnavailableError } from "../../core/errors.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Arrival } from "../arrival.ts";

/**
 * How long a client is kept without an answer while bytes do come. A kubelet gives a pull up
 * that shows nothing for five minutes, and does not ask the registry then.
 */
const waitMaxMs = 120_000;

/** How often an arrival is looked at: so much later than asked for is it given up at most. */
const lookMs = 100;

/** A look that is later than this tells that the process did not run meanwhile. */
const lateMs = 50;

/**
 * Bytes of pieces that are not whole that count as some that come: what peers give at once. Single
 * ones now and then would hold a client for as long as they like.
 */
const portionBytes = 16 * 1024;

/** What is looked at of a blob that is waited for. */
type Progress = Pick<Arrival, "digest" | "bytesDone" | "bytesGiven">;

/** How {@link Patience} is bounded. */
export interface PatienceSettings {
  /** Milliseconds in which nothing may move. */
  readonly windowMs: number;
  /** Milliseconds since whenever, that only go on. */
  readonly nowMs?: () => number;
}

/**
 * How long one request is kept waiting for its first byte: all that is done for it shares this
 * time. It begins with the request, and anew with each portion of the blob that comes to this
 * node. Time in which the process did not run is given back at its end, once and up to as much again.
 */
export class Patience {
  readonly #windowMs: number;
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  #movedMs: number;
  /** Milliseconds in which the process did not run; `undefined` when they were given back. */
  #lostMs: number | undefined = 0;

  constructor({ windowMs, nowMs = () => performance.now() }: PatienceSettings) {
    this.#windowMs = windowMs;
    this.#nowMs = nowMs;
    this.#startedMs = this.#movedMs = nowMs();
  }

  /** Milliseconds that may still pass without anything that moves. */
  get leftMs(): number {
    const overMs = Math.min(this.#movedMs + this.#windowMs, this.#startedMs + waitMaxMs);
    return Math.max(0, overMs - this.#nowMs());
  }

  /** Bytes came. */
  renew(): void {
    this.#movedMs = this.#nowMs();
    this.#lostMs = 0;
  }

  /** What is left, as a signal for what moves nothing by itself. */
  deadline({ signal }: Cancellable): Deadline {
    const endMs = this.#nowMs() + this.leftMs;
    const deadline = createDeadline(signal, this.leftMs);
    return {
      signal: deadline.signal,
      abort: (reason) => deadline.abort(reason),
      [Symbol.dispose]: () => {
        // What ended well past its end did so because the process had not run.
        if (!deadline.signal.aborted) this.#noteLost(this.#nowMs() - endMs);
        this.#giveBack();
        deadline[Symbol.dispose]();
      },
    };
  }

  /**
   * Waits for something of an arriving blob as long as bytes of it come.
   *
   * @throws {UnavailableError} when none came for too long.
   */
  async whileBytesCome<T>(
    arrival: Progress,
    work: (options: Cancellable) => Promise<T>,
    { signal }: Cancellable,
  ): Promise<T> {
    const waiting = createDeadline(signal);
    const isMoving = movementOf(arrival);
    let lookedMs = this.#nowMs();
    const look = (): void => {
      this.#noteLost(this.#nowMs() - lookedMs - lookMs);
      lookedMs = this.#nowMs();
      if (isMoving()) this.renew();
      this.#giveBack();
      if (this.leftMs === 0) waiting.abort();
    };
    const looking = setInterval(look, lookMs);
    try {
      return await work(waiting);
    } catch (error) {
      signal.throwIfAborted();
      if (!waiting.signal.aborted) throw error;
      throw new UnavailableError(`Cannot get blob ${arrival.digest}: its bytes do not come`);
    } finally {
      clearInterval(looking);
      waiting[Symbol.dispose]();
    }
  }

  /** The process did not run for so long, if that is more than a timer is late by. */
  #noteLost(lostMs: number): void {
    if (this.#lostMs !== undefined && lostMs > lateMs) this.#lostMs += lostMs;
  }

  #giveBack(): void {
    if (this.leftMs > 0 || !this.#lostMs) return;
    this.#movedMs = this.#nowMs() - Math.max(0, this.#windowMs - this.#lostMs);
    this.#lostMs = undefined;
  }
}

/** Tells whether enough bytes came since it last told so. */
function movementOf(arrival: Progress): () => boolean {
  let { bytesDone: done, bytesGiven: given } = arrival;
  return () => {
    // A download that is tried again begins anew to count.
    given = Math.min(given, arrival.bytesGiven);
    if (arrival.bytesDone <= done && arrival.bytesGiven < given + portionBytes) return false;
    ({ bytesDone: done, bytesGiven: given } = arrival);
    return true;
  };
}
