import type { InfoHash } from "../info-hash.ts";
import type { PeerAddress } from "../peer-address.ts";
import type { Announcement, Announcer } from "../ports/announcer.ts";

/** A reason to be in a swarm: a download, or a blob that is seeded. */
export interface Participant {
  /** Bytes that are missing to it. */
  left(): number;
  downloaded(): number;
  onPeers(peers: readonly PeerAddress[]): void;
}

interface Joined {
  readonly announcement: Announcement;
  readonly participants: Set<Participant>;
}

/**
 * Our membership in swarms towards the trackers: one announcement for each info hash,
 * so that the end of a download and the start of seeding are no goodbye and hello.
 */
export class JoinedSwarms implements AsyncDisposable {
  readonly #announcer: Announcer;
  readonly #port: number;
  readonly #uploaded: (infoHash: InfoHash) => number;
  readonly #joined = new Map<InfoHash, Joined>();

  constructor(deps: {
    readonly announcer: Announcer;
    /** Port on which we take peers. */
    readonly port: number;
    readonly uploaded: (infoHash: InfoHash) => number;
  }) {
    this.#announcer = deps.announcer;
    this.#port = deps.port;
    this.#uploaded = deps.uploaded;
  }

  /** Adds a participant, who must {@link leave}. */
  join(infoHash: InfoHash, participant: Participant): void {
    const known = this.#joined.get(infoHash);
    if (known) {
      known.participants.add(participant);
      return;
    }
    const participants = new Set([participant]);
    const announcement = this.#announcer.announce({
      infoHash,
      port: this.#port,
      left: () => Math.min(...[...participants].map((one) => one.left())),
      uploaded: () => this.#uploaded(infoHash),
      downloaded: () => [...participants].reduce((sum, one) => sum + one.downloaded(), 0),
      onPeers: (peers) => {
        for (const one of participants) one.onPeers(peers);
      },
    });
    this.#joined.set(infoHash, { announcement, participants });
  }

  completed(infoHash: InfoHash): void {
    this.#joined.get(infoHash)?.announcement.completed();
  }

  hurry(infoHash: InfoHash): void {
    this.#joined.get(infoHash)?.announcement.hurry();
  }

  /** Takes a participant out; the last one says goodbye to the trackers. */
  async leave(infoHash: InfoHash, participant: Participant): Promise<void> {
    const joined = this.#joined.get(infoHash);
    if (!joined?.participants.delete(participant) || joined.participants.size > 0) return;
    this.#joined.delete(infoHash);
    await joined.announcement[Symbol.asyncDispose]();
  }

  /** Says goodbye everywhere. */
  async [Symbol.asyncDispose](): Promise<void> {
    const announcements = [...this.#joined.values()].map(({ announcement }) => announcement);
    this.#joined.clear();
    await Promise.all(announcements.map((announcement) => announcement[Symbol.asyncDispose]()));
  }
}
