import type { ByteRange } from "../../core/byte-range.ts";
import type { PieceLayout } from "../../core/piece-layout.ts";

/** Bytes of a part, unless pieces are longer: with 8 on their way the fastest that was found. */
const partLengthMin = 2 ** 20;

/** Parts that are asked for before the first of them has come. */
export const partsInFlight = 8;

/** A request: the number of a part, in 4 bytes. */
export const requestLength = 4;

/** Length in bytes of all parts but the last: whole pieces. */
export function partLengthOf({ pieceLength }: PieceLayout): number {
  // Both are powers of two.
  return Math.max(partLengthMin, pieceLength);
}

export function partCountOf(layout: PieceLayout): number {
  return Math.ceil(layout.size / partLengthOf(layout));
}

/** Where a part is in the blob; empty when there is no such part. */
export function partRange(layout: PieceLayout, index: number): ByteRange {
  const length = partLengthOf(layout);
  const start = Math.min(index * length, layout.size);
  return { start, end: Math.min(start + length, layout.size) };
}
