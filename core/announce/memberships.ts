import type { InfoHash } from "../info-hash.ts";
import type { AnnouncedTorrent } from "../ports/announcer.ts";
import { AnnounceQueue } from "./announce-queue.ts";
import { SwarmMembership } from "./swarm-membership.ts";

/**
 * Our memberships in the swarms of one tracker, and which of them are to be announced. One that
 * nobody wants is dropped once the tracker counts us out.
 */
export class Memberships implements Iterable<SwarmMembership> {
  readonly queue = new AnnounceQueue();
  readonly #byInfoHash = new Map<InfoHash, SwarmMembership>();

  get size(): number {
    return this.#byInfoHash.size;
  }

  /** The one that is here for the longest. */
  get first(): SwarmMembership | undefined {
    const [first] = this.#byInfoHash.values();
    return first;
  }

  [Symbol.iterator](): Iterator<SwarmMembership> {
    return this.#byInfoHash.values();
  }

  find({ infoHash }: AnnouncedTorrent): SwarmMembership | undefined {
    return this.#byInfoHash.get(infoHash);
  }

  join(torrent: AnnouncedTorrent): SwarmMembership {
    const known = this.find(torrent);
    known?.join(torrent);
    const membership = known ?? new SwarmMembership(torrent);
    this.#byInfoHash.set(torrent.infoHash, membership);
    return membership;
  }

  /**
   * Has one announced, unless it is left and there is nothing to say: that is dropped. Gives whether
   * it is announced.
   */
  enqueue(membership: SwarmMembership): boolean {
    const isOver = !membership.wanted && membership.settled && !membership.busy;
    if (isOver) this.drop(membership);
    else this.queue.add(membership);
    return !isOver;
  }

  drop(membership: SwarmMembership): void {
    this.queue.delete(membership);
    this.#byInfoHash.delete(membership.infoHash);
  }

  clear(): void {
    this.#byInfoHash.clear();
  }

  /**
   * Has announced what is due.
   *
   * @returns when the next one is due, and the one that was announced the longest ago of those that
   *   the tracker knows and are not due: it may tell that we are alive. Who is refused does not.
   */
  enqueueDue(nowMs: number): {
    readonly nextMs: number;
    readonly oldest: SwarmMembership | undefined;
  } {
    let nextMs = Infinity;
    let oldest: SwarmMembership | undefined;
    for (const membership of this) {
      if (membership.busy) continue;
      if (membership.dueMs <= nowMs) {
        this.queue.add(membership);
        continue;
      }
      nextMs = Math.min(nextMs, membership.dueMs);
      if (membership.known && membership.askedMs < (oldest?.askedMs ?? nowMs)) oldest = membership;
    }
    return { nextMs, oldest };
  }

  besides(some: readonly SwarmMembership[]): SwarmMembership[] {
    const except = new Set(some);
    return [...this].filter((each) => !except.has(each));
  }

  /** The tracker has lost what it knew of some: those that we want are announced anew. */
  renew(memberships: Iterable<SwarmMembership>): void {
    for (const membership of memberships) {
      membership.forgotten();
      if (membership.wanted) this.queue.add(membership);
      else this.drop(membership);
    }
  }
}
