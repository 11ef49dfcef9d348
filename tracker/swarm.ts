import type { IpFamily } from "../core/ip-address.ts";
import { PeerGroup, type Random, type SwarmPeer } from "./peer-group.ts";
import type { PeerIdentity, TrackedPeer } from "./peer-table.ts";

/** Which peers somebody wants to hear of. */
export interface PeerWish {
  readonly families: readonly IpFamily[];
  readonly countMax: number;
  /** Seeders have no use for each other. */
  readonly leechersOnly: boolean;
  /** The peer that asks, which is not told of itself, also not by an address of its other family. */
  readonly except?: PeerIdentity;
}

/** The peers that announced one info hash. */
export class Swarm {
  readonly #random: Random;
  /** By their keys. */
  readonly #peers = new Map<string, SwarmPeer>();
  readonly #seeders = { 4: new PeerGroup(), 6: new PeerGroup() };
  readonly #leechers = { 4: new PeerGroup(), 6: new PeerGroup() };

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#peers.size;
  }

  get seederCount(): number {
    return this.#seeders[4].size + this.#seeders[6].size;
  }

  get(key: string): SwarmPeer | undefined {
    return this.#peers.get(key);
  }

  /** Takes in a peer, or notes that it is still there and how far it is. */
  put(tracked: TrackedPeer, { seeder, nowMs }: { seeder: boolean; nowMs: number }): void {
    const seenSeconds = Math.floor(nowMs / 1000);
    const known = this.#peers.get(tracked.key);
    if (known?.tracked === tracked && known.seeder === seeder) {
      known.seenSeconds = seenSeconds;
      return;
    }
    if (known) this.#groupOf(known).remove(known);
    const peer = { tracked, seeder, seenSeconds, index: 0 };
    this.#peers.set(tracked.key, peer);
    this.#groupOf(peer).add(peer);
  }

  /** @returns the peer, if it was there. */
  remove(key: string): SwarmPeer | undefined {
    const peer = this.#peers.get(key);
    if (!peer) return undefined;
    this.#groupOf(peer).remove(peer);
    this.#peers.delete(key);
    return peer;
  }

  /** Those who are gone, or announced themselves last before `beforeMs`. */
  *expired(beforeMs: number): Generator<SwarmPeer, void> {
    const beforeSeconds = Math.floor(beforeMs / 1000);
    for (const peer of this.#peers.values()) {
      if (peer.tracked.isGone || peer.seenSeconds < beforeSeconds) yield peer;
    }
  }

  /**
   * Random peers, as many seeders as leechers where there are enough of both: a
   * newcomer wants somebody who has everything, and a crowd wants to be mixed.
   */
  sample(wish: PeerWish): SwarmPeer[] {
    const kinds = wish.leechersOnly ? [this.#leechers] : [this.#seeders, this.#leechers];
    const groups = kinds.flatMap((kind) => wish.families.map((family) => kind[family]));
    const { except } = wish;
    // Two more than wanted, for the asker may be among them, once by each family.
    const shares = fairShares(
      groups.map((group) => group.size),
      wish.countMax + 2,
    );
    return groups
      .flatMap((group, index) => group.sample(shares[index] ?? 0, this.#random))
      .filter(({ tracked }) => !except || !isSame(tracked, except))
      .slice(0, Math.max(0, wish.countMax));
  }

  /** Random peers of both families, leechers only after all seeders. */
  sampleSeedersFirst(countMax: number): SwarmPeer[] {
    const seeders = this.#sampleFairly(this.#seeders, countMax);
    return [...seeders, ...this.#sampleFairly(this.#leechers, countMax - seeders.length)];
  }

  /** Who asks may have addresses of one family only: neither crowds out the other. */
  #sampleFairly(groups: Readonly<Record<IpFamily, PeerGroup>>, count: number): SwarmPeer[] {
    const shares = fairShares([groups[4].size, groups[6].size], count);
    return [groups[4], groups[6]].flatMap((group, index) =>
      group.sample(shares[index] ?? 0, this.#random),
    );
  }

  #groupOf(peer: SwarmPeer): PeerGroup {
    return (peer.seeder ? this.#seeders : this.#leechers)[peer.tracked.family];
  }
}

/** Whether two are one peer. Who has addresses of both families announces each, with one port. */
function isSame(peer: PeerIdentity, other: PeerIdentity): boolean {
  if (peer.key === other.key) return true;
  const isSamePort = peer.key.slice(-2) === other.key.slice(-2);
  return isSamePort && peer.peerId === other.peerId && peer.family !== other.family;
}

/** Shares out `count` among groups of given sizes: equally, and what a small one leaves to the others. */
export function fairShares(sizes: readonly number[], count: number): number[] {
  const shares = sizes.map(() => 0);
  // Smallest first: what it leaves is shared by those that follow.
  const order = sizes.map((_, index) => index).sort((a, b) => (sizes[a] ?? 0) - (sizes[b] ?? 0));
  let left = Math.max(0, count);
  for (const [place, index] of order.entries()) {
    const share = Math.min(sizes[index] ?? 0, Math.ceil(left / (order.length - place)));
    shares[index] = share;
    left -= share;
  }
  return shares;
}
