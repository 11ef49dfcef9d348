import { hash } from "node:crypto";

import type { Metainfo } from "../metainfo.ts";
import { pieceHashLength } from "../piece-hasher.ts";

/** Whether the bytes are piece `index` of the blob. */
export function isPiece(metainfo: Metainfo, index: number, bytes: Uint8Array): boolean {
  const start = index * pieceHashLength;
  const expected = metainfo.pieceHashes.subarray(start, start + pieceHashLength);
  return hash("sha1", bytes, "buffer").equals(expected);
}
