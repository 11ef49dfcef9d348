import type { InfoHash } from "../info-hash.ts";
import type { TorrentTraffic } from "./worker-protocol.ts";

type Traffic = Omit<TorrentTraffic, "infoHash">;

interface Entry {
  /** Bytes given by engines that have died. */
  before: number;
  now: Traffic;
}

/** Torrents of which more may be told after they were left, while peers get the rest from us. */
const leftMax = 1000;

const none: Traffic = { peers: 0, uploadedBytes: 0 };

/** Peers and bytes of the torrents that we take part in, over all engines that we had. */
export class TrafficAccount {
  readonly #entries = new Map<InfoHash, Entry>();
  /** What was last told of torrents that were left; the one first that was left first. */
  readonly #left = new Map<InfoHash, number>();
  #leftBytes = 0;

  /** Bytes that were given since the start, also those of torrents that were left. */
  get uploadedBytes(): number {
    let sum = this.#leftBytes;
    for (const infoHash of this.#entries.keys()) sum += this.of(infoHash).uploadedBytes;
    return sum;
  }

  /** Takes part in a torrent from now on; only what is told of such ones is kept. */
  add(infoHash: InfoHash): void {
    if (this.#entries.has(infoHash)) return;
    // An engine that still serves it counts on, and has told of that part already.
    const told = this.#left.get(infoHash) ?? 0;
    this.#left.delete(infoHash);
    this.#entries.set(infoHash, { before: -told, now: { peers: 0, uploadedBytes: told } });
  }

  delete(infoHash: InfoHash): void {
    const entry = this.#entries.get(infoHash);
    if (!entry) return;
    this.#leftBytes += this.of(infoHash).uploadedBytes;
    this.#entries.delete(infoHash);
    this.#left.set(infoHash, entry.now.uploadedBytes);
    const [oldest] = this.#left.keys();
    if (this.#left.size > leftMax && oldest !== undefined) this.#left.delete(oldest);
  }

  note({ infoHash, peers, uploadedBytes }: TorrentTraffic): void {
    const entry = this.#entries.get(infoHash);
    if (entry) {
      // The engine has begun anew to count what it had dropped.
      if (uploadedBytes < entry.now.uploadedBytes) entry.before += entry.now.uploadedBytes;
      entry.now = { peers, uploadedBytes };
    }
    const told = this.#left.get(infoHash);
    if (told === undefined) return;
    this.#leftBytes += uploadedBytes < told ? uploadedBytes : uploadedBytes - told;
    this.#left.set(infoHash, uploadedBytes);
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
    this.#left.clear();
  }
}
