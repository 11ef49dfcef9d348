import { digestOf } from "../../core/digest.ts";
import { infoHashOf } from "../../core/info-hash.ts";
import { pieceHashLength } from "../../core/piece-hasher.ts";
import { pieceLayoutOf } from "../../core/piece-layout.ts";
import type { ArrivingTorrent } from "../../core/torrent/arriving-torrent.ts";

/** The torrent of a blob of which only the size is of interest. */
export function simulatedBlob(options: {
  readonly index: number;
  readonly size: number;
  /** Nobody has all of it yet. */
  readonly isGrowing: boolean;
}): ArrivingTorrent {
  const layout = pieceLayoutOf(options.size);
  const name = new TextEncoder().encode(`blob ${options.index}`);
  const pieceHashes = new Uint8Array(layout.pieceCount * pieceHashLength);
  return {
    digest: digestOf(name),
    infoHash: infoHashOf(name),
    layout,
    pieceHashes: options.isGrowing ? undefined : pieceHashes,
  };
}
