import type { InfoHash } from "../info-hash.ts";
import type { TorrentTraffic } from "./worker-protocol.ts";

/** Counts of peers and bytes, told only of those torrents whose counts have changed. */
export class TrafficReport {
  readonly #told = new Map<InfoHash, string>();

  /** Those of the counts that differ from what was told last. */
  changes(torrents: Iterable<TorrentTraffic>): TorrentTraffic[] {
    const changed = [];
    for (const torrent of torrents) {
      const counts = `${torrent.peers} ${torrent.uploadedBytes}`;
      if (counts === (this.#told.get(torrent.infoHash) ?? "0 0")) continue;
      this.#told.set(torrent.infoHash, counts);
      changed.push(torrent);
    }
    return changed;
  }

  /** The torrent is gone. */
  forget(infoHash: InfoHash): void {
    this.#told.delete(infoHash);
  }
}
