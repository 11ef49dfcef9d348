import type { InfoHash } from "../info-hash.ts";
import type { TorrentTraffic } from "./worker-protocol.ts";

type Traffic = Omit<TorrentTraffic, "infoHash">;

interface Entry {
  /** Bytes given by engines that have died. */
  before: number;
  now: Traffic;
}

const none: Traffic = { peers: 0, uploadedBytes: 0 };

/** Peers and bytes of the torrents that we take part in, over all engines that we had. */
export class TrafficAccount {
  readonly #entries = new Map<InfoHash, Entry>();

  /** Takes part in a torrent from now on; only what is told of such ones is kept. */
  add(infoHash: InfoHash): void {
    if (!this.#entries.has(infoHash)) this.#entries.set(infoHash, { before: 0, now: none });
  }

  delete(infoHash: InfoHash): void {
    this.#entries.delete(infoHash);
  }

  note({ infoHash, peers, uploadedBytes }: TorrentTraffic): void {
    const entry = this.#entries.get(infoHash);
    if (entry) entry.now = { peers, uploadedBytes };
  }

  of(infoHash: InfoHash): Traffic {
    const { before, now } = this.#entries.get(infoHash) ?? { before: 0, now: none };
    return { peers: now.peers, uploadedBytes: before + now.uploadedBytes };
  }

  /** The engine has died: the next one counts from 0. */
  engineLost(): void {
    for (const entry of this.#entries.values()) {
      entry.before += entry.now.uploadedBytes;
      entry.now = none;
    }
  }
}
