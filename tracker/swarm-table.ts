import { StorageFullError } from "../core/errors.ts";
import type { InfoHash } from "../core/info-hash.ts";
import type { PeerAddress } from "../core/peer-address.ts";
import { familyOfKey, peerOfKey } from "./peer-key.ts";
import type { Random, SwarmPeer } from "./peer-group.ts";
import { type AnnouncedPeer, type PeerWish, Swarm } from "./swarm.ts";

/** Bounds of a {@link SwarmTable}. */
export interface SwarmLimits {
  readonly swarmsMax: number;
  /** Over all swarms. */
  readonly peersMax: number;
  /** Over all swarms: a machine that makes up ports or info hashes cannot fill the table. */
  readonly peersPerAddressMax: number;
  /** A peer that was not heard of for so long is gone. */
  readonly peerTtlMs: number;
}

/**
 * Part of all peers that one IPv6 network of 64 bits may have. Who has one has addresses without
 * end, so that no bound by address holds; yet a whole data centre may be one, too.
 */
const networkShare = 0.5;

/** Bytes of the network in an IPv6 address. */
const networkLength = 8;

/** How many there are. */
export interface SwarmCounts {
  readonly seeders: number;
  readonly leechers: number;
}

/** All swarms. Changes at once, never waits. */
export class SwarmTable {
  readonly #limits: SwarmLimits;
  readonly #random: Random;
  readonly #swarms = new Map<InfoHash, Swarm>();
  /** How many peers an address stands for, or an IPv6 network, by its characters. */
  readonly #peersOfAddress = new Map<string, number>();
  #peerCount = 0;

  constructor(limits: SwarmLimits, random: Random) {
    this.#limits = limits;
    this.#random = random;
  }

  get peerCount(): number {
    return this.#peerCount;
  }

  get swarmCount(): number {
    return this.#swarms.size;
  }

  infoHashes(): IterableIterator<InfoHash> {
    return this.#swarms.keys();
  }

  /**
   * Takes in a peer, or notes that it is still there.
   *
   * @throws {StorageFullError} when it is new and there is no room for it.
   */
  put(infoHash: InfoHash, peer: AnnouncedPeer, nowMs: number): void {
    const known = this.#swarms.get(infoHash);
    const isNew = !known?.has(peer.key);
    if (isNew) this.#checkRoom(known, peer.key);
    const swarm = known ?? new Swarm(this.#random);
    if (!known) this.#swarms.set(infoHash, swarm);
    if (isNew) this.#count(peer.key, 1);
    swarm.put(peer, nowMs);
  }

  remove(infoHash: InfoHash, key: string): void {
    const swarm = this.#swarms.get(infoHash);
    if (!swarm?.remove(key)) return;
    this.#count(key, -1);
    if (swarm.size === 0) this.#swarms.delete(infoHash);
  }

  counts(infoHash: InfoHash): SwarmCounts {
    const swarm = this.#swarms.get(infoHash);
    const seeders = swarm?.seederCount ?? 0;
    return { seeders, leechers: (swarm?.size ?? 0) - seeders };
  }

  sample(infoHash: InfoHash, wish: PeerWish): SwarmPeer[] {
    return this.#swarms.get(infoHash)?.sample(wish) ?? [];
  }

  /** Peers to tell with metainfo: seeders, then others. */
  addresses(infoHash: InfoHash, countMax: number): PeerAddress[] {
    const peers = this.#swarms.get(infoHash)?.sampleSeedersFirst(countMax) ?? [];
    return peers.map((peer) => peerOfKey(peer.key));
  }

  /** Removes the peers that were not heard of for {@link SwarmLimits.peerTtlMs}. */
  sweep(nowMs: number): void {
    for (const [infoHash, swarm] of this.#swarms) {
      for (const key of swarm.expire(nowMs - this.#limits.peerTtlMs)) this.#count(key, -1);
      if (swarm.size === 0) this.#swarms.delete(infoHash);
    }
  }

  #checkRoom(swarm: Swarm | undefined, key: string): void {
    const { swarmsMax, peersMax, peersPerAddressMax } = this.#limits;
    const full =
      this.#peerCount >= peersMax ||
      (!swarm && this.#swarms.size >= swarmsMax) ||
      (this.#peersOfAddress.get(addressOf(key)) ?? 0) >= peersPerAddressMax ||
      networksOf(key).some(
        (network) => (this.#peersOfAddress.get(network) ?? 0) >= peersMax * networkShare,
      );
    if (full) throw new StorageFullError("Cannot take in the peer: the tracker is full");
  }

  #count(key: string, change: 1 | -1): void {
    for (const place of [addressOf(key), ...networksOf(key)]) {
      const count = (this.#peersOfAddress.get(place) ?? 0) + change;
      if (count > 0) this.#peersOfAddress.set(place, count);
      else this.#peersOfAddress.delete(place);
    }
    this.#peerCount += change;
  }
}

/** The key without the two bytes of port. */
function addressOf(key: string): string {
  return key.slice(0, -2);
}

/** The network of an IPv6 address; IPv4 addresses stand for themselves. */
function networksOf(key: string): string[] {
  return familyOfKey(key) === 6 ? [key.slice(0, networkLength)] : [];
}
