import { tickMs } from "./limits.ts";

/** Time for known peers to connect and to give a first byte before a web seed is asked. */
const graceMs = 750;

/**
 * A reader that waits for one piece this long gets it from elsewhere as well. In a crowd
 * on slow links a piece takes a second or two without anything being wrong.
 */
const readerPatienceMs = 3000;

/** The least that is left of it after pieces that came late: how often the need is looked at. */
const readerPatienceMinMs = tickMs;

/**
 * Decides when web seeds are asked: they cost their server a copy for each node, so
 * peers come first and web seeds when there are none, when they stall, or when a reader
 * waits too long.
 */
export class WebSeedNeed {
  readonly #patienceMs: number;
  #isNeeded: boolean;
  #isReaderLate = false;
  /** Pieces that came late to readers, one after the other. */
  #lateInTurn = 0;
  #suppliedAt: number;
  #waitingAt: number | undefined;
  #waitingSince = 0;

  /**
   * @param start `patienceMs`: how long a reader waits for one piece; for the next half as long, when
   *   it came late.
   */
  constructor(start: {
    readonly nowMs: number;
    readonly knowsPeers: boolean;
    readonly patienceMs?: number;
  }) {
    this.#patienceMs = start.patienceMs ?? readerPatienceMs;
    this.#isNeeded = !start.knowsPeers;
    this.#suppliedAt = start.nowMs;
  }

  /** No peer gives anything: web seeds are asked for any piece. */
  get isNeeded(): boolean {
    return this.#isNeeded;
  }

  /** Web seeds are asked for the piece for which a reader waits. */
  get isReaderLate(): boolean {
    return this.#isReaderLate;
  }

  /** @param now `isSupplied`: peers give, or will; `waitingAt`: the piece a reader waits for. */
  update(now: {
    readonly nowMs: number;
    readonly isSupplied: boolean;
    readonly waitingAt: number | undefined;
  }): void {
    if (now.isSupplied) this.#suppliedAt = now.nowMs;
    if (now.waitingAt !== this.#waitingAt) {
      if (this.#waitingAt !== undefined)
        this.#lateInTurn = this.#isReaderLate ? this.#lateInTurn + 1 : 0;
      this.#waitingAt = now.waitingAt;
      this.#waitingSince = now.nowMs;
    }
    // Else peers that give next to nothing would have each piece wait anew.
    const patienceMs = Math.max(readerPatienceMinMs, this.#patienceMs / 2 ** this.#lateInTurn);
    this.#isReaderLate =
      this.#waitingAt !== undefined && now.nowMs - this.#waitingSince >= patienceMs;
    const isUnsupplied = !now.isSupplied && now.nowMs - this.#suppliedAt >= graceMs;
    // Needed from the start when no peer was known, until one gives.
    this.#isNeeded = isUnsupplied || (this.#isNeeded && !now.isSupplied);
  }
}
