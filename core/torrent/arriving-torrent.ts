import type { Digest } from "../digest.ts";
import { type GrowingTorrent, isGrowing } from "../growing-torrent.ts";
import type { InfoHash } from "../info-hash.ts";
import type { Metainfo } from "../metainfo.ts";
import type { PieceLayout } from "../piece-layout.ts";

/** What a download knows of its torrent when it starts. */
export interface ArrivingTorrent {
  readonly digest: Digest;
  readonly layout: PieceLayout;
  readonly infoHash: InfoHash;
  /** SHA-1 of each piece; `undefined` for a growing torrent, whose hashes come later. */
  readonly pieceHashes: Uint8Array | undefined;
}

/** What goes to the engine's thread of a torrent. */
export function arrivingTorrentOf(torrent: Metainfo | GrowingTorrent): ArrivingTorrent {
  const { digest, layout, infoHash } = torrent;
  const pieceHashes = isGrowing(torrent) ? undefined : torrent.pieceHashes;
  return { digest, layout, infoHash, pieceHashes };
}

/** The whole metainfo, where it is known from the start. */
export function metainfoOf(torrent: ArrivingTorrent): Metainfo | undefined {
  const { pieceHashes } = torrent;
  return pieceHashes && { ...torrent, pieceHashes };
}
