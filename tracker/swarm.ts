import type { IpFamily } from "../core/ip-address.ts";
import type { Place } from "../core/topology.ts";
import { drawSpread } from "./draw-spread.ts";
import type { Random, SwarmPeer } from "./peer-group.ts";
import { PeerPool } from "./peer-pool.ts";
import type { PeerIdentity, TrackedPeer } from "./peer-table.ts";
import { SwarmZones, isZoneOf } from "./swarm-zones.ts";
import type { ZonePeers } from "./zone-peers.ts";

/** Peers of each kind and family that somebody is told of in other zones, though there are near ones. */
const farOfKind = 2;

/** Peers to be told of: where there are fewer in a zone, others make up for them. */
const enoughPeers = 16;

/** Part of an answer that near peers may have, where there are others. */
const nearShare = 0.75;

/** Drawn beyond those that are wanted, for the asker may be among them, once by each family. */
const spare = 2;

const leechers = ["leechers"] as const;

const seedersAndLeechers = ["seeders", "leechers"] as const;

/** Which peers somebody wants to hear of. */
export interface PeerWish {
  readonly families: readonly IpFamily[];
  readonly countMax: number;
  /** Seeders have no use for each other. */
  readonly leechersOnly: boolean;
  /** Where the asker says that it is. */
  readonly place?: Place | undefined;
  /** The peer that asks, which is not told of itself, also not by an address of its other family. */
  readonly except?: PeerIdentity;
}

/** The peers that announced one info hash. */
export class Swarm {
  readonly #random: Random;
  /** By their keys. */
  readonly #peers = new Map<string, SwarmPeer>();
  readonly #zones = new SwarmZones();

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#peers.size;
  }

  get seederCount(): number {
    return this.#zones.all.reduce((count, zone) => count + zone.seederCount, 0);
  }

  get(key: string): SwarmPeer | undefined {
    return this.#peers.get(key);
  }

  /**
   * Takes in a peer, or notes that it is still there, how far it is, and in which zone. Who says
   * another one with each announce costs a look at the zones each time, and nothing that stays.
   */
  put(tracked: TrackedPeer, { seeder, nowMs }: { seeder: boolean; nowMs: number }): void {
    const seenSeconds = Math.floor(nowMs / 1000);
    const known = this.#peers.get(tracked.key);
    const isUnchanged = known?.tracked === tracked && known.seeder === seeder;
    if (isUnchanged && isZoneOf(known.zone, tracked)) {
      known.seenSeconds = seenSeconds;
      return;
    }
    if (known) this.remove(tracked.key);
    const zone = this.#zones.enter(tracked);
    const peer = { tracked, zone, seeder, seenSeconds, index: 0 };
    this.#peers.set(tracked.key, peer);
    zone.groupOf(peer).add(peer);
  }

  /** @returns the peer, if it was there. */
  remove(key: string): SwarmPeer | undefined {
    const peer = this.#peers.get(key);
    if (!peer) return undefined;
    const { zone } = peer;
    zone.groupOf(peer).remove(peer);
    this.#zones.drop(zone);
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
   * For who says in which zone it is, those of that zone first, and then a few others: if the
   * near ones are gone nobody is cut off.
   */
  sample(wish: PeerWish): SwarmPeer[] {
    const countMax = Math.max(0, wish.countMax);
    const home = this.#zones.find(wish.place);
    const far = home ? this.#sampleAfar(home, { ...wish, countMax }) : [];
    const nearMax = countMax - far.length;
    const near = this.#draw(poolsOf(home ? [home] : this.#zones.all, wish), nearMax + spare);
    const isOther = ({ tracked }: SwarmPeer) => !wish.except || !isSame(tracked, wish.except);
    return [...near.filter(isOther).slice(0, nearMax), ...far.filter(isOther)];
  }

  /** Random peers of both families, leechers only after all seeders. */
  sampleSeedersFirst(countMax: number): SwarmPeer[] {
    const poolsWith = (kind: "seeders" | "leechers") =>
      ([4, 6] as const).map((family) => poolOf(this.#zones.all, kind, family));
    const seeders = this.#draw(poolsWith("seeders"), countMax);
    const others = this.#draw(poolsWith("leechers"), countMax - seeders.length);
    return [...seeders, ...others];
  }

  /** Who asks may have addresses of one family only: neither crowds out the other. */
  #draw(pools: readonly PeerPool[], count: number): SwarmPeer[] {
    const shares = fairShares(
      pools.map((pool) => pool.size),
      count,
    );
    return pools.flatMap((pool, index) => drawSpread(pool, shares[index] ?? 0, this.#random));
  }

  /** A few of each kind from other zones, of the asker's region before others. */
  #sampleAfar(home: ZonePeers, wish: PeerWish): SwarmPeer[] {
    const nearCount = poolsOf([home], wish).reduce((count, pool) => count + pool.size, 0);
    const others = this.#zones.all.filter((zone) => zone !== home);
    const isOfRegion = (zone: ZonePeers) =>
      home.region !== undefined && zone.region === home.region;
    const near = poolsOf(others.filter(isOfRegion), wish);
    const rest = poolsOf(
      others.filter((zone) => !isOfRegion(zone)),
      wish,
    );
    const count = Math.max(farOfKind, Math.ceil((enoughPeers - nearCount) / 2));
    const far = near.flatMap((pool, index) => {
      const found = pool.sample(count, this.#random);
      return [...found, ...(rest[index]?.sample(count - found.length, this.#random) ?? [])];
    });
    return far.slice(0, wish.countMax - Math.min(nearCount, Math.ceil(wish.countMax * nearShare)));
  }
}

/** The peers in some zones that are wished for, by kind and family. */
function poolsOf(zones: readonly ZonePeers[], wish: PeerWish): PeerPool[] {
  const kinds = wish.leechersOnly ? leechers : seedersAndLeechers;
  return kinds.flatMap((kind) => wish.families.map((family) => poolOf(zones, kind, family)));
}

function poolOf(
  zones: readonly ZonePeers[],
  kind: "seeders" | "leechers",
  family: IpFamily,
): PeerPool {
  return new PeerPool(zones.map((zone) => zone[kind][family]));
}

/** Whether two are one peer. Who has addresses of both families announces each, with one port. */
function isSame(peer: PeerIdentity, other: PeerIdentity): boolean {
  if (peer.key === other.key) return true;
  // What is cheap to compare comes first: all peers of an answer are.
  if (peer.family === other.family || peer.peerId !== other.peerId) return false;
  return peer.key.slice(-2) === other.key.slice(-2);
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
