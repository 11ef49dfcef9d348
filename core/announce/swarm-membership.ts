import { retryPauseMs } from "../async/retry-pause.ts";
import type { InfoHash } from "../info-hash.ts";
import type { PeerAddress } from "../peer-address.ts";
import type { AnnouncedTorrent } from "../ports/announcer.ts";
import type { AnnounceAnswer, AnnounceEvent, AnnounceRequest } from "./tracker-client.ts";

/** Milliseconds that a tracker is left alone before it said how long it wants to be. */
const intervalMinDefaultMs = 1000;

/** Peers to ask for while we lack pieces: a swarm connects to no more at once. */
const peersWantedMax = 50;

/** Torrents that started together shall not come back together: up to so much sooner. */
const intervalJitter = 0.1;

type Told = Pick<AnnounceAnswer, "wantsPlace">;

/**
 * What one tracker is to know, and knows, of us in one swarm.
 *
 * The same torrent may be announced twice for a while, as a download that is about to be
 * seeded: the tracker is told of one peer, and told goodbye when the last one goes.
 */
export class SwarmMembership {
  readonly infoHash: InfoHash;
  readonly #torrents = new Set<AnnouncedTorrent>();
  #known = false;
  #completedToTell = false;
  /** Whether the tracker counts us in without knowing where we are. */
  #placeToTell = false;
  /** The last torrent, for the goodbye. */
  #last: AnnouncedTorrent;

  /** When the next announce is due, in milliseconds of the monotonic clock. */
  dueMs = 0;
  /** When the tracker was asked last. */
  askedMs = Number.NEGATIVE_INFINITY;
  /** How long the tracker wants to be left alone. */
  intervalMinMs = intervalMinDefaultMs;
  /** Refusals in a row. */
  refusals = 0;
  /** Whether an announce is under way. */
  busy = false;

  constructor(torrent: AnnouncedTorrent) {
    this.infoHash = torrent.infoHash;
    this.#last = torrent;
    this.#torrents.add(torrent);
  }

  /** Whether we are in the swarm; else the tracker is only to be told goodbye. */
  get wanted(): boolean {
    return this.#torrents.size > 0;
  }

  /** Whether the tracker counts us in, as far as we know. */
  get known(): boolean {
    return this.#known;
  }

  /** Whether the tracker knows all that it is to know. */
  get settled(): boolean {
    if (!this.wanted) return !this.#known;
    return this.#known && !this.#completedToTell && !this.#placeToTell;
  }

  /** Whether we look for peers, and not only offer ourselves. */
  get hungry(): boolean {
    return this.wanted && this.#last.left() > 0;
  }

  /** Port on which we take peers. */
  get port(): number {
    return this.#last.port;
  }

  join(torrent: AnnouncedTorrent): void {
    this.#torrents.add(torrent);
    this.#last = torrent;
  }

  leave(torrent: AnnouncedTorrent): void {
    this.#torrents.delete(torrent);
    for (const remaining of this.#torrents) this.#last = remaining;
  }

  complete(): void {
    this.#completedToTell = true;
  }

  /** The tracker has lost what we told it, or may have. */
  forgotten(): void {
    this.#known = false;
  }

  /** What to tell now. {@link told} must follow when it was told. */
  request(): AnnounceRequest {
    const event = this.#event();
    const left = this.#last.left();
    return {
      infoHash: this.infoHash,
      port: this.#last.port,
      left,
      uploaded: this.#last.uploaded(),
      downloaded: this.#last.downloaded(),
      event,
      peersWanted: event === "stopped" ? 0 : peersWantedMax,
    };
  }

  /** The tracker has taken in what it was told. */
  told({ event, left }: AnnounceRequest, { wantsPlace = false }: Told = {}): void {
    this.#known = event !== "stopped";
    this.#placeToTell = wantsPlace;
    // To start with nothing left tells it too.
    if (event === "completed" || (event === "started" && left === 0)) this.#completedToTell = false;
  }

  /** The tracker takes the torrent, and has said when it wants to hear of it again. */
  taken(
    { intervalMs, intervalMinMs }: Pick<AnnounceAnswer, "intervalMs" | "intervalMinMs">,
    random: () => number,
  ): void {
    this.refusals = 0;
    this.intervalMinMs = intervalMinMs;
    this.dueMs = this.askedMs + intervalMs * (1 - random() * intervalJitter);
  }

  /** The tracker does not take the torrent: when to try again grows. */
  refused(random: () => number): void {
    this.refusals++;
    this.#known = false;
    this.dueMs = this.askedMs + retryPauseMs(this.refusals, random);
  }

  /** Hands peers to all who are in the swarm. */
  found(peers: readonly PeerAddress[]): void {
    if (peers.length === 0) return;
    for (const torrent of this.#torrents) torrent.onPeers(peers);
  }

  #event(): AnnounceEvent | undefined {
    if (!this.wanted) return "stopped";
    if (!this.#known) return "started";
    return this.#completedToTell ? "completed" : undefined;
  }
}
