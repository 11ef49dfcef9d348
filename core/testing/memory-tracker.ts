import type { InfoHash } from "../info-hash.ts";
import { type PeerAddress, formatPeerAddress } from "../peer-address.ts";
import type { AnnouncedTorrent, Announcement, Announcer } from "../ports/announcer.ts";

/** A tracker in memory, for swarms in one process: who is in which swarm, told at once. */
export class MemoryTracker {
  readonly #swarms = new Map<InfoHash, Map<string, PeerAddress>>();
  /** What was announced, in order: `started`, `completed`, `stopped`, `hurry`. */
  readonly log: string[] = [];

  /** Peers of a swarm now. */
  peersOf(infoHash: InfoHash): readonly PeerAddress[] {
    return [...(this.#swarms.get(infoHash)?.values() ?? [])];
  }

  /** Puts somebody into a swarm who does not announce itself. */
  addPeer(infoHash: InfoHash, address: PeerAddress): void {
    const swarm = this.#swarms.get(infoHash) ?? new Map<string, PeerAddress>();
    this.#swarms.set(infoHash, swarm.set(formatPeerAddress(address), address));
  }

  /** The tracker as a peer at `host` sees it. */
  announcer(host = "127.0.0.1"): Announcer {
    return {
      announce: (torrent) => this.#announce(torrent, host),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  #announce(torrent: AnnouncedTorrent, host: string): Announcement {
    const { infoHash, port } = torrent;
    const tell = () => torrent.onPeers(this.peersOf(infoHash));
    this.addPeer(infoHash, { host, port });
    this.log.push("started");
    queueMicrotask(tell);
    return {
      completed: () => void this.log.push("completed"),
      hurry: () => {
        this.log.push("hurry");
        queueMicrotask(tell);
      },
      [Symbol.asyncDispose]: async () => {
        this.log.push("stopped");
        this.#swarms.get(infoHash)?.delete(formatPeerAddress({ host, port }));
      },
    };
  }
}
