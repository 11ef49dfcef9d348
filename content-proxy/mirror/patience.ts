import { createDeadline } from "../../core/async/deadline.ts";
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

/** How {@link Patience} is bounded. */
export interface PatienceSettings {
  /** Milliseconds in which nothing may move. */
  readonly windowMs: number;
  /** Milliseconds since whenever, that only go on. */
  readonly nowMs?: () => number;
}

/**
 * How long one request is kept waiting for its first byte: all that is done for it shares this
 * time. It begins with the request, and anew with each byte of the blob that comes to this node.
 */
export class Patience {
  readonly #windowMs: number;
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  #movedMs: number;

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
  }

  /** What is left, as a signal for what moves nothing by itself. */
  deadline({ signal }: Cancellable): ReturnType<typeof createDeadline> {
    return createDeadline(signal, this.leftMs);
  }

  /**
   * Waits for something of an arriving blob as long as bytes of it come.
   *
   * @throws {UnavailableError} when none came for too long.
   */
  async whileBytesCome<T>(
    arrival: Pick<Arrival, "digest" | "bytesDone">,
    work: (options: Cancellable) => Promise<T>,
    { signal }: Cancellable,
  ): Promise<T> {
    const waiting = createDeadline(signal);
    let bytesBefore = arrival.bytesDone;
    const look = (): void => {
      if (arrival.bytesDone > bytesBefore) this.renew();
      bytesBefore = arrival.bytesDone;
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
}
