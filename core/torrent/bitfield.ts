import { InvalidArgumentError } from "../errors.ts";

/**
 * Which pieces somebody has. On the wire the first piece is the highest bit of the
 * first byte and spare bits are 0.
 *
 * @see BEP 3
 */
export class Bitfield {
  readonly pieceCount: number;
  readonly #bits: Uint8Array;
  #held = 0;

  constructor(pieceCount: number) {
    this.pieceCount = pieceCount;
    this.#bits = new Uint8Array(bitfieldLength(pieceCount));
  }

  /** Of somebody who has all pieces. */
  static full(pieceCount: number): Bitfield {
    const bitfield = new Bitfield(pieceCount);
    for (let index = 0; index < pieceCount; index++) bitfield.add(index);
    return bitfield;
  }

  /** @throws {InvalidArgumentError} when it is too short, too long, or has spare bits set. */
  static parse(bytes: Uint8Array, pieceCount: number): Bitfield {
    const bitfield = new Bitfield(pieceCount);
    if (bytes.byteLength !== bitfield.#bits.byteLength) {
      throw new InvalidArgumentError(`Cannot read bitfield of ${bytes.byteLength} bytes`);
    }
    bitfield.#bits.set(bytes);
    for (let index = 0; index < bytes.byteLength * 8; index++) {
      if (!bitfield.has(index)) continue;
      if (index >= pieceCount) throw new InvalidArgumentError("Cannot read bitfield: spare bits");
      bitfield.#held++;
    }
    return bitfield;
  }

  /** How many pieces are held. */
  get held(): number {
    return this.#held;
  }

  get isFull(): boolean {
    return this.#held === this.pieceCount;
  }

  has(index: number): boolean {
    return ((this.#bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
  }

  /** Notes a piece. Gives false when it was noted before. */
  add(index: number): boolean {
    if (this.has(index) || index >= this.pieceCount) return false;
    this.#bits[index >> 3] = (this.#bits[index >> 3] ?? 0) | (0x80 >> (index & 7));
    this.#held++;
    return true;
  }

  /** The first piece from `start` on that is not held; `pieceCount` when there is none. */
  firstMissing(start: number): number {
    let index = start;
    while (index < this.pieceCount) {
      if ((index & 7) === 0 && this.#bits[index >> 3] === 0xff) index += 8;
      else if (this.has(index)) index++;
      else return index;
    }
    return this.pieceCount;
  }

  /** A copy of the bytes, as they go on the wire. */
  toBytes(): Uint8Array {
    return this.#bits.slice();
  }
}

/** Length in bytes of a bitfield on the wire. */
export function bitfieldLength(pieceCount: number): number {
  return Math.ceil(pieceCount / 8);
}
