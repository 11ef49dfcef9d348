import type { Bitfield } from "../../core/torrent/bitfield.ts";
import type { PiecePicker } from "../../core/torrent/piece-picker.ts";

/** What somebody saw who read a blob from its start while it arrived. */
export interface SimulatedReading {
  /** From its start until the first piece was here. */
  readonly firstPieceMs: number;
  /** The longest that it waited for a piece, the first one too. */
  readonly longestWaitMs: number;
}

/** Its number at the picker; there is one for each download. */
const readerNumber = 0;

/** Reads a blob in order, as fast as its pieces come: it always waits for the first that is missing. */
export class SimulatedReader {
  readonly #picker: PiecePicker;
  readonly #have: Bitfield;
  readonly #startMs: number;
  #position = 0;
  #waitingSinceMs: number;
  #firstPieceMs = Infinity;
  #longestWaitMs = 0;

  constructor(deps: {
    readonly picker: PiecePicker;
    readonly have: Bitfield;
    readonly nowMs: number;
  }) {
    this.#picker = deps.picker;
    this.#have = deps.have;
    this.#startMs = deps.nowMs;
    this.#waitingSinceMs = deps.nowMs;
    this.#picker.addReader(readerNumber, this.#position);
  }

  get reading(): SimulatedReading {
    return { firstPieceMs: this.#firstPieceMs, longestWaitMs: this.#longestWaitMs };
  }

  /** A piece is checked and in the file. */
  came(index: number, nowMs: number): void {
    if (index !== this.#position) return;
    const waitedMs = nowMs - this.#waitingSinceMs;
    if (index === 0) this.#firstPieceMs = nowMs - this.#startMs;
    this.#longestWaitMs = Math.max(this.#longestWaitMs, waitedMs);
    this.#waitingSinceMs = nowMs;
    while (this.#have.has(this.#position)) this.#position++;
    if (this.#have.isFull) this.#picker.removeReader(readerNumber);
    else this.#picker.addReader(readerNumber, this.#position);
  }
}
