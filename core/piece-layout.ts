/** How a blob is cut into pieces. All are `pieceLength` long but the last. */
export interface PieceLayout {
  /** Length of the blob in bytes, at least 1. */
  readonly size: number;
  /** Length of a piece in bytes, a power of two. */
  readonly pieceLength: number;
  readonly pieceCount: number;
}

const mebibyte = 1024 * 1024;

/**
 * Small pieces let a crowd form early, for a peer can only pass on whole pieces:
 * eight nodes behind equal links took 1.13 copies from the seeder with 1 MiB and
 * 1.37 with 4 MiB. Smaller ones cost a message and a hash call each.
 */
const pieceLengthTypical = mebibyte;

/**
 * Layers arrive side by side, and each piece is on its way for as long as it is long: a layer
 * that is not huge is cut finer, down to this, so that its first piece is soon with a first node.
 */
const pieceLengthFine = 256 * 1024;

/** Below this many pieces a blob is cut finer, down to {@link pieceLengthFine}. */
const pieceCountFine = 512;

/** A small blob still wants to be cut, so that a first reader need not wait for all of it. */
const pieceLengthMin = 128 * 1024;

/** Below this many pieces a blob is cut finer, down to {@link pieceLengthMin}. */
const pieceCountWanted = 16;

/** Above this many the pieces grow, which bounds metainfo to 20 × this: 160 KiB. */
const pieceCountMax = 8192;

/** The largest blob: what {@link pieceCountMax} pieces of 16 MiB hold. */
export const blobSizeMax = pieceCountMax * 16 * mebibyte;

/**
 * The layout of a blob. A fixed function of the size: everyone who has a blob
 * derives the same info hash, so two first pullers end up in the same swarm.
 * To change it is to split every swarm of a cluster in two.
 *
 * @throws {RangeError} unless 1 ≤ `size` ≤ {@link blobSizeMax}.
 */
export function pieceLayoutOf(size: number): PieceLayout {
  if (!Number.isSafeInteger(size) || size < 1 || size > blobSizeMax) {
    throw new RangeError(`Cannot lay out a blob of ${size} bytes`);
  }
  let pieceLength = pieceLengthTypical;
  while (pieceLength > pieceLengthFine && size < pieceLength * pieceCountFine) pieceLength /= 2;
  while (pieceLength > pieceLengthMin && size < pieceLength * pieceCountWanted) pieceLength /= 2;
  while (Math.ceil(size / pieceLength) > pieceCountMax) pieceLength *= 2;
  return { size, pieceLength, pieceCount: Math.ceil(size / pieceLength) };
}

/** Length in bytes of piece `index`; the last one may be shorter. */
export function pieceLengthAt(layout: PieceLayout, index: number): number {
  return Math.min(layout.pieceLength, layout.size - index * layout.pieceLength);
}
