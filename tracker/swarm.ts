import type { IpFamily } from "../core/ip-address.ts";
import { PeerGroup, type Random, type SwarmPeer } from "./peer-group.ts";

/** What a peer tells of itself. */
export interface AnnouncedPeer {
  /** Compact form, a character for each byte. */
  readonly key: string;
  readonly family: IpFamily;
  /** In hex. */
  readonly peerId: string;
  readonly seeder: boolean;
}

/** Which peers somebody wants to hear of. */
export interface PeerWish {
  readonly families: readonly IpFamily[];
  readonly countMax: number;
  /** Seeders have no use for each other. */
  readonly leechersOnly: boolean;
  /** The peer that asks, which is not told of itself, also not by an address of its other family. */
  readonly except?: Pick<AnnouncedPeer, "key" | "family" | "peerId">;
}

/** The peers that announced one info hash. */
export class Swarm {
  readonly #random: Random;
  /** In the order of their last announce. */
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

  has(key: string): boolean {
    return this.#peers.has(key);
  }

  /** Takes in a peer, or notes that it is still there and how far it is. */
  put(announced: AnnouncedPeer, nowMs: number): void {
    this.remove(announced.key);
    const peer = { ...announced, seenMs: nowMs, index: 0 };
    this.#peers.set(peer.key, peer);
    this.#groupOf(peer).add(peer);
  }

  /** @returns whether the peer was there. */
  remove(key: string): boolean {
    const peer = this.#peers.get(key);
    if (!peer) return false;
    this.#groupOf(peer).remove(peer);
    return this.#peers.delete(key);
  }

  /** Removes the peers that were last heard of before `beforeMs`, and gives their keys. */
  expire(beforeMs: number): string[] {
    const expired: string[] = [];
    for (const { key, seenMs } of this.#peers.values()) {
      if (seenMs >= beforeMs) break;
      this.remove(key);
      expired.push(key);
    }
    return expired;
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
      .filter((peer) => !except || !isSame(peer, except))
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
    return (peer.seeder ? this.#seeders : this.#leechers)[peer.family];
  }
}

/** Whether two are one peer. Who has addresses of both families announces each, with one port. */
function isSame(peer: AnnouncedPeer, other: NonNullable<PeerWish["except"]>): boolean {
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
