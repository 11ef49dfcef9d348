import { createHash } from "node:crypto";

import type { Digest } from "./digest.ts";
import { type InfoHash, parseInfoHash } from "./info-hash.ts";
import type { Metainfo } from "./metainfo.ts";
import type { PieceLayout } from "./piece-layout.ts";

/**
 * A blob's torrent while nobody has all of the blob: a seeder is still receiving it, and
 * tells the hash of each piece as soon as it has the piece. Once whole, the blob has
 * ordinary metainfo, and another swarm.
 */
export interface GrowingTorrent {
  readonly digest: Digest;
  readonly layout: PieceLayout;
  /** As {@link growingInfoHash} makes it: the swarm of all who fetch the blob meanwhile. */
  readonly infoHash: InfoHash;
  /**
   * Opens the hashes from the one of piece `start` on: runs of 20 bytes each, in order, as they
   * become known. Ends after the last one; throws when the seeder cannot go on, and
   * {SourceMovedError} when another one has the blob meanwhile.
   */
  readonly pieceHashes: (options: {
    readonly start: number;
    readonly signal: AbortSignal;
  }) => AsyncIterable<Uint8Array>;
}

/** Whether it is the torrent of a blob that nobody has whole. */
export function isGrowing(torrent: Metainfo | GrowingTorrent): torrent is GrowingTorrent {
  return typeof torrent.pieceHashes === "function";
}

/**
 * The info hash of a blob that nobody has whole. A fixed function of what a manifest tells of
 * the blob, so that everybody finds the same swarm; never that of an ordinary torrent.
 */
export function growingInfoHash({
  digest,
  size,
}: {
  readonly digest: Digest;
  readonly size: number;
}): InfoHash {
  const text = `shoal growing torrent\n${digest}\n${size}\n`;
  return parseInfoHash(createHash("sha1").update(text).digest("hex"));
}
