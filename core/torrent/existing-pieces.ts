import type { Metainfo } from "../metainfo.ts";
import { pieceLengthAt } from "../piece-layout.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import { isPiece } from "./piece-check.ts";
import type { PieceFile } from "./piece-file.ts";

/**
 * Finds the pieces that an earlier run left in a file. Holes read as zeros at the speed
 * of memory and are told from data without a hash; a file without any data is not read.
 *
 * @throws {DataLossError} when the file is shorter than the blob.
 */
export async function* existingPieces(
  file: PieceFile,
  metainfo: Metainfo,
  { signal }: Cancellable,
): AsyncGenerator<number, void> {
  const { layout } = metainfo;
  const { bytesOnDisk } = await file.stat();
  if (bytesOnDisk === 0) return;
  const buffer = Buffer.allocUnsafeSlow(layout.pieceLength);
  const zeros = Buffer.alloc(layout.pieceLength);
  for (let index = 0; index < layout.pieceCount; index++) {
    signal.throwIfAborted();
    const piece = buffer.subarray(0, pieceLengthAt(layout, index));
    await file.read(piece, index * layout.pieceLength);
    if (piece.equals(zeros.subarray(0, piece.length))) continue;
    if (isPiece(metainfo, index, piece)) yield index;
  }
}
