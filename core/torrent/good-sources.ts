import type { ArrivingTorrent } from "./arriving-torrent.ts";
import type { DownloadPeers } from "./download-peers.ts";
import type { DownloadSources } from "./download-sources.ts";
import type { PieceHashes } from "./piece-hashes.ts";

export interface GoodSourcesDeps {
  readonly torrent: ArrivingTorrent;
  readonly sources: Pick<DownloadSources, "goodCount">;
  readonly peers: Pick<DownloadPeers, "openCount">;
  readonly hashes: Pick<PieceHashes, "known">;
  /** Takes the count when it has changed. */
  readonly tell: (count: number) => void;
}

/**
 * Counts the sources of a download that are good for all of the blob. A seeder that tells the
 * hashes of a growing one vouches for it, once there is anybody to have pieces from.
 */
export class GoodSources {
  readonly #deps: GoodSourcesDeps;
  #told = 0;

  constructor(deps: GoodSourcesDeps) {
    this.#deps = deps;
  }

  /** Counts again. */
  update(): void {
    const { torrent, sources, peers, hashes, tell } = this.#deps;
    const isGrowing = torrent.pieceHashes === undefined;
    const isVouchedFor = isGrowing && hashes.known > 0 && peers.openCount > 0;
    const count = Math.max(sources.goodCount, isVouchedFor ? 1 : 0);
    if (count === this.#told) return;
    this.#told = count;
    tell(count);
  }
}
