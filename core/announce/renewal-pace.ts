import type { Logger } from "../ports/logger.ts";

/** A tracker that forgets so often again, each time within an interval, hardly restarts that often. */
const repeatsToWarnOf = 2;

const forgetfulMessage =
  "tracker forgets again and again: several trackers behind one URL, or an address of this host " +
  "that changes, or that others share by NAT?";

/** What a tracker says of its pauses, in milliseconds. */
interface TrackerIntervals {
  readonly intervalMs: number;
  readonly intervalMinMs: number;
}

/**
 * When everything may be announced anew to a tracker that has forgotten it. At once the first
 * time; while that repeats within one of the tracker's intervals, after pauses that grow from its
 * shortest interval to its ordinary one. Each of many torrents can be what the tracker answers to
 * with another wish: without pauses there would be no end.
 */
export class RenewalPace {
  readonly #logger: Logger;
  #intervals: TrackerIntervals = { intervalMs: 0, intervalMinMs: 0 };
  #lastMs = Number.NEGATIVE_INFINITY;
  #repeats = 0;
  #dueMs = Number.POSITIVE_INFINITY;
  #hasWarned = false;

  constructor({ logger }: { readonly logger: Logger }) {
    this.#logger = logger;
  }

  /** When everything is to be announced anew; for ever away when there is no need. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Goes by the intervals of an answer from now on. */
  heed({ intervalMs, intervalMinMs }: TrackerIntervals): void {
    this.#intervals = { intervalMs, intervalMinMs };
  }

  /** Everything is to be announced anew as soon as that may be. */
  want(nowMs: number): void {
    if (this.#dueMs !== Number.POSITIVE_INFINITY) return;
    const { intervalMs, intervalMinMs } = this.#intervals;
    this.#repeats = nowMs - this.#lastMs > intervalMs ? 0 : this.#repeats + 1;
    const pauseMs = Math.min(intervalMs, intervalMinMs * 2 ** Math.min(this.#repeats - 1, 16));
    this.#dueMs = this.#repeats === 0 ? nowMs : Math.max(nowMs, this.#lastMs + pauseMs);
    // A few restarts that pauses need not hold back are no trouble.
    if (this.#repeats < repeatsToWarnOf || this.#hasWarned || this.#dueMs <= nowMs) return;
    this.#hasWarned = true;
    this.#logger.warn(forgetfulMessage);
  }

  /** It is done. */
  renewed(nowMs: number): void {
    this.#lastMs = nowMs;
    this.#dueMs = Number.POSITIVE_INFINITY;
  }
}
