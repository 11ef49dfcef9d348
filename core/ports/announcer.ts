import type { InfoHash } from "../info-hash.ts";
import type { PeerAddress } from "../peer-address.ts";

/** What an announcer asks of a torrent whenever it announces it. */
export interface AnnouncedTorrent {
  readonly infoHash: InfoHash;
  /** Port on which we take peers for it. */
  readonly port: number;
  /** Bytes that are missing here: 0 makes us a seeder. */
  left(): number;
  uploaded(): number;
  downloaded(): number;
  /** Called with every answer that names peers; our own address may be among them. */
  onPeers(peers: readonly PeerAddress[]): void;
}

/** Our membership in one swarm. Disposing of it says goodbye to the trackers. */
export interface Announcement extends AsyncDisposable {
  /** Tells the trackers that the last piece came. */
  completed(): void;
  /** Asks for more peers now, at most once per tracker's minimal interval. */
  hurry(): void;
}

/**
 * The trackers, seen by a peer. All configured trackers are used at once; one that
 * is down is tried again with growing pauses and delays no other.
 *
 * @see BEP 3, 12, 15, 23
 */
export interface Announcer extends AsyncDisposable {
  /** Joins a swarm, at once and then at the trackers' intervals. */
  announce(torrent: AnnouncedTorrent): Announcement;
}
