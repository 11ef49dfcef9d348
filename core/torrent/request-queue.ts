import { InvalidArgumentError } from "../errors.ts";
import type { Assignment } from "./assignment.ts";
import type { Block } from "./wire-message.ts";

/** Pieces that were cancelled on a connection and of which blocks may still come. */
interface Cancelled {
  outstanding: number;
  /** Requests sent up to the cancel, or until it was asked for anew: all are answered once a later one is. */
  sequence: number;
}

/** A piece that is asked for on this connection. */
interface Entry extends Assignment {
  readonly sequence: number;
  /** Bytes asked for and bytes here, both from the start of the piece. */
  requested: number;
  received: number;
  /** Lengths of the blocks that were asked for and have not come, in order. */
  readonly expected: number[];
  /** When it was assigned; `undefined` once a block of it is on its way here, or has come. */
  waitsSinceMs: number | undefined;
}

/**
 * What one connection was asked for, in order, and the match of answers to it. Pieces
 * are asked for one after the other, each from its start, and answered in that order.
 */
export class RequestQueue {
  readonly #entries: Entry[] = [];
  readonly #cancelled = new Map<number, Cancelled>();
  #sequence = 0;
  #outstanding = 0;
  /** What the block is of that is on its way in; `undefined` when nobody wants it any more. */
  #coming: Entry | undefined;

  /** Bytes that were asked for and have not come. */
  get outstanding(): number {
    return this.#outstanding;
  }

  get assignments(): readonly Assignment[] {
    return this.#entries;
  }

  /** Whether a piece may be assigned: it is not asked for. */
  mayAssign(index: number): boolean {
    return !this.#find(index);
  }

  assign({ index, buffer }: Assignment, nowMs: number): void {
    const sequence = ++this.#sequence;
    const cancelled = this.#cancelled.get(index);
    if (cancelled) cancelled.sequence = sequence;
    const none = { requested: 0, received: 0, expected: [], waitsSinceMs: nowMs };
    this.#entries.push({ index, buffer, sequence, ...none });
  }

  /** The next block to ask for, noted as asked; `undefined` when all is asked for. */
  nextBlock(lengthMax: number): Block | undefined {
    const last = this.#entries.at(-1);
    if (!last || last.requested === last.buffer.length) return undefined;
    const begin = last.requested;
    const length = Math.min(lengthMax, last.buffer.length - begin);
    last.requested += length;
    last.expected.push(length);
    this.#outstanding += length;
    return { index: last.index, begin, length };
  }

  /**
   * Where the bytes of an answer go; `undefined` when the piece was cancelled. Of one that is asked for anew
   * what was on its way already is as good, and then comes a second time.
   *
   * @throws {InvalidArgumentError} when it answers no request.
   */
  startBlock({ index, begin, length }: Block): Uint8Array | undefined {
    this.#coming = undefined;
    const entry = this.#find(index);
    if (entry && begin === entry.received && length === entry.expected[0]) {
      // One that was asked for twice may be the answer to the first time.
      if (!this.#cancelled.has(index)) this.#forgetCancelledBefore(entry.sequence);
      entry.waitsSinceMs = undefined;
      this.#coming = entry;
      return entry.buffer.subarray(begin, begin + length);
    }
    const cancelled = this.#cancelled.get(index);
    // A block of no bytes answers nothing, and would take nothing off what is owed.
    if (!cancelled || length === 0 || cancelled.outstanding < length) throw unasked(index, begin);
    cancelled.outstanding -= length;
    if (cancelled.outstanding === 0) this.#cancelled.delete(index);
    return undefined;
  }

  /** Notes an answer. Gives the assignment when its piece is complete by it. */
  endBlock({ index, length }: Block): Assignment | undefined {
    const entry = this.#coming;
    this.#coming = undefined;
    if (!entry) return undefined;
    entry.expected.shift();
    entry.received += length;
    this.#outstanding -= length;
    if (entry.received < entry.buffer.length) return undefined;
    this.#remove(index);
    return entry;
  }

  /** Bytes that will come until the piece is complete; 0 when it is not asked for. */
  bytesUntil(index: number): number {
    let bytes = 0;
    for (const entry of this.#entries) {
      bytes += entry.buffer.length - entry.received;
      if (entry.index === index) return bytes;
    }
    return 0;
  }

  /** Milliseconds since a piece was assigned of which nothing has come; `undefined` else. */
  waitedMs(index: number, nowMs: number): number | undefined {
    const sinceMs = this.#find(index)?.waitsSinceMs;
    return sinceMs === undefined ? undefined : nowMs - sinceMs;
  }

  /** Takes a piece back. Gives its buffer and the blocks that were asked for and have not come. */
  cancel(index: number): { readonly buffer?: Buffer; readonly blocks: readonly Block[] } {
    const entry = this.#find(index);
    if (!entry) return { blocks: [] };
    const blocks: Block[] = [];
    let begin = entry.received;
    for (const length of entry.expected) {
      blocks.push({ index, begin, length });
      begin += length;
    }
    this.#remove(index);
    if (this.#coming === entry) this.#coming = undefined;
    const owed = entry.requested - entry.received;
    this.#outstanding -= owed;
    const outstanding = owed + (this.#cancelled.get(index)?.outstanding ?? 0);
    if (outstanding > 0) this.#cancelled.set(index, { outstanding, sequence: this.#sequence });
    return { buffer: entry.buffer, blocks };
  }

  #find(index: number): Entry | undefined {
    return this.#entries.find((entry) => entry.index === index);
  }

  #remove(index: number): void {
    const position = this.#entries.findIndex((entry) => entry.index === index);
    this.#entries.splice(position, 1);
  }

  #forgetCancelledBefore(sequence: number): void {
    for (const [index, cancelled] of this.#cancelled) {
      if (cancelled.sequence < sequence) this.#cancelled.delete(index);
    }
  }
}

function unasked(index: number, begin: number): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot take block ${begin} of piece ${index}: not asked for`);
}
