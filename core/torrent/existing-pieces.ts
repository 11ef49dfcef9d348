import { type PieceLayout, pieceLengthAt } from "../piece-layout.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { PieceFile } from "./piece-file.ts";
import type { PieceHashes } from "./piece-hashes.ts";

/** Where pieces are looked for, and what they are known by. */
export interface ExistingPiecesDeps {
  readonly file: PieceFile;
  readonly layout: PieceLayout;
  readonly hashes: PieceHashes;
}

/**
 * Finds those of the pieces from `start` to `end` that an earlier run left in a file. Holes read as zeros at the speed
 * of memory and are told from data without a hash.
 *
 * @throws {DataLossError} when the file is shorter than the blob.
 */
export async function* existingPieces(
  { file, layout, hashes }: ExistingPiecesDeps,
  { start, end, signal }: Cancellable & { readonly start: number; readonly end: number },
): AsyncGenerator<number, void> {
  const buffer = Buffer.allocUnsafeSlow(layout.pieceLength);
  const zeros = Buffer.alloc(layout.pieceLength);
  for (let index = start; index < end; index++) {
    signal.throwIfAborted();
    const piece = buffer.subarray(0, pieceLengthAt(layout, index));
    await file.read(piece, index * layout.pieceLength);
    if (piece.equals(zeros.subarray(0, piece.length))) continue;
    if (hashes.fits(index, piece)) yield index;
  }
}
