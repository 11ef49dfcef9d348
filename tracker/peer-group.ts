import type { TrackedPeer } from "./peer-table.ts";
import type { ZonePeers } from "./zone-peers.ts";

/** A peer in one swarm. Objects are many: some million in a tracker. */
export interface SwarmPeer {
  readonly tracked: TrackedPeer;
  /** In which it is noted. */
  readonly zone: ZonePeers;
  seeder: boolean;
  /** When it announced itself here last, in whole seconds of the monotonic clock: a small integer. */
  seenSeconds: number;
  /** Its place in its group; the group's own. */
  index: number;
}

/** Gives a number in [0, 1). */
export type Random = () => number;

/** Peers of which a few are drawn at random, in a time that does not grow with their number. */
export class PeerGroup {
  readonly #peers: SwarmPeer[] = [];

  get size(): number {
    return this.#peers.length;
  }

  /** Takes in a peer that is in no group. */
  add(peer: SwarmPeer): void {
    peer.index = this.#peers.length;
    this.#peers.push(peer);
  }

  /** Takes out a peer of this group. */
  remove(peer: SwarmPeer): void {
    const last = this.#peers.pop();
    if (last && last !== peer) this.#place(last, peer.index);
  }

  /** Draws `count` different peers, or all when they are fewer. */
  sample(count: number, random: Random): SwarmPeer[] {
    const end = Math.min(count, this.#peers.length);
    // The first `end` steps of a shuffle in place (Fisher and Yates).
    for (let index = 0; index < end; index++) {
      const drawn = index + Math.floor(random() * (this.#peers.length - index));
      const [here, there] = [this.#peers[index], this.#peers[drawn]];
      if (!here || !there) continue;
      this.#place(there, index);
      this.#place(here, drawn);
    }
    return this.#peers.slice(0, end);
  }

  #place(peer: SwarmPeer, index: number): void {
    this.#peers[index] = peer;
    peer.index = index;
  }
}
