import { StorageFullError } from "../core/errors.ts";
import type { InfoHash } from "../core/info-hash.ts";
import type { PeerAddress } from "../core/peer-address.ts";
import { AddressCounts } from "./address-counts.ts";
import { networkOfKey, peerOfKey } from "./peer-key.ts";
import type { Random, SwarmPeer } from "./peer-group.ts";
import { type PeerIdentity, PeerTable } from "./peer-table.ts";
import { type PeerWish, Swarm } from "./swarm.ts";

/** A peer of one swarm, as it announced itself. */
export interface AnnouncedPeer extends PeerIdentity {
  readonly seeder: boolean;
}

/** Bounds of a {@link SwarmTable}. */
export interface SwarmLimits {
  readonly swarmsMax: number;
  /** Over all swarms. */
  readonly peersMax: number;
  /** Over all swarms: a machine that makes up ports cannot fill the table. */
  readonly peersPerAddressMax: number;
  /** A peer that was not heard of for so long is gone. */
  readonly peerTtlMs: number;
}

/**
 * Part of all peers that one IPv6 network of 64 bits may have; with as many as that part of all swarms it
 * counts as one address where a swarm has to give way. Who has one has addresses without
 * end, so that no bound by address holds; yet a whole data centre may be one, too.
 */
const networkShare = 0.5;

/** Seeders that a swarm keeps, in a table that is full, when somebody comes who lacks pieces. */
const seedersKept = 50;

/** Peers of a swarm that may have to give way to a new one: many have no reason to make one up. */
const smallSwarmMax = 4;

/**
 * Swarms that are looked at to find one that gives way: who makes up info hashes until there is no room for more
 * has most of them, and a look costs less than an answer.
 */
const looksMax = 32;

/** Times as many peers as the comer, that who gives way has at least: two alike would take turns else. */
const advantageMin = 2;

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
  readonly #peers = new PeerTable();
  readonly #counts = new AddressCounts();
  #peerCount = 0;
  /** Where {@link sweep} goes on. */
  #sweeping: IterableIterator<[InfoHash, Swarm]> = this.#swarms.entries();
  /** Where the next look for a swarm that gives way begins. */
  #looking: IterableIterator<[InfoHash, Swarm]> = this.#swarms.entries();

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
   * Takes in a peer, or notes that it is still there. Where the table is full, who lacks pieces
   * takes the place of one of many seeders of its swarm, and a new swarm that of a small one whose peers are
   * of addresses with many more than the newcomer's.
   *
   * @throws {StorageFullError} when it is new and there is no room for it.
   */
  put(infoHash: InfoHash, peer: AnnouncedPeer, nowMs: number): void {
    const known = this.#swarms.get(infoHash);
    const before = known?.get(peer.key);
    if (!before) {
      this.#checkShare(peer.key);
      if (!known) this.#makeSwarmRoom(peer.key);
      if (!peer.seeder) this.#makeRoom(infoHash);
      if (this.#peerCount >= this.#limits.peersMax) throw fullError();
    }
    const swarm = known ?? new Swarm(this.#random);
    if (!known) this.#swarms.set(infoHash, swarm);
    const tracked = this.#peers.heard(peer, nowMs);
    if (before?.tracked !== tracked) {
      this.#peers.join(tracked);
      if (before) this.#peers.leave(before.tracked);
      else this.#count(peer.key, 1);
    }
    swarm.put(tracked, { seeder: peer.seeder, nowMs });
  }

  remove(infoHash: InfoHash, key: string): void {
    const swarm = this.#swarms.get(infoHash);
    const peer = swarm?.remove(key);
    if (!swarm || !peer) return;
    this.#peers.leave(peer.tracked);
    this.#count(key, -1);
    if (swarm.size === 0) this.#swarms.delete(infoHash);
  }

  counts(infoHash: InfoHash): SwarmCounts {
    const swarm = this.#swarms.get(infoHash);
    const seeders = swarm?.seederCount ?? 0;
    return { seeders, leechers: (swarm?.size ?? 0) - seeders };
  }

  sample(infoHash: InfoHash, wish: PeerWish): SwarmPeer[] {
    return this.#thoseThere(infoHash, (swarm) => swarm.sample(wish));
  }

  /** Peers to tell with metainfo: seeders, then others. */
  addresses(infoHash: InfoHash, countMax: number): PeerAddress[] {
    const peers = this.#thoseThere(infoHash, (swarm) => swarm.sampleSeedersFirst(countMax));
    return peers.map(({ tracked }) => peerOfKey(tracked.key));
  }

  /**
   * Notes that a peer is there, in all of its swarms, and promised to be heard of at every
   * heartbeat.
   *
   * @returns its admission; `undefined` when it is in no swarm.
   */
  beat(peer: PeerIdentity, nowMs: number): number | undefined {
    const tracked = this.#peers.find(peer);
    if (!tracked) return undefined;
    tracked.heardMs = nowMs;
    this.#peers.promiseHeartbeats(tracked);
    return tracked.admission;
  }

  /** The admission of a peer; `undefined` when it is in no swarm. */
  admissionOf(peer: PeerIdentity): number | undefined {
    return this.#peers.find(peer)?.admission;
  }

  /** From now on nobody is told of peers that promised heartbeats, and are silent for `silenceMaxMs`. */
  forgetSilent(silence: { readonly nowMs: number; readonly silenceMaxMs: number }): void {
    this.#peers.forgetSilent(silence);
  }

  /**
   * Removes the peers that are gone, or did not announce themselves for {@link SwarmLimits.peerTtlMs}.
   * A call looks at about `countMax` of them, and the next goes on from there.
   */
  sweep(nowMs: number, countMax = Number.POSITIVE_INFINITY): void {
    for (let count = 0; count < countMax;) {
      const next = this.#sweeping.next();
      if (next.done) {
        this.#sweeping = this.#swarms.entries();
        return;
      }
      const [infoHash, swarm] = next.value;
      count += 1 + swarm.size;
      for (const { tracked } of swarm.expired(nowMs - this.#limits.peerTtlMs)) {
        this.remove(infoHash, tracked.key);
      }
    }
  }

  /** Draws again after those that are gone were taken out: each costs one draw, once. */
  #thoseThere(infoHash: InfoHash, draw: (swarm: Swarm) => SwarmPeer[]): SwarmPeer[] {
    for (;;) {
      const swarm = this.#swarms.get(infoHash);
      if (!swarm) return [];
      const peers = draw(swarm);
      const gone = peers.filter(({ tracked }) => tracked.isGone);
      if (gone.length === 0) return peers;
      for (const { tracked } of gone) this.remove(infoHash, tracked.key);
    }
  }

  #makeRoom(infoHash: InfoHash): void {
    if (this.#peerCount < this.#limits.peersMax) return;
    if (this.counts(infoHash).seeders <= seedersKept) return;
    const [seeder] = this.#swarms.get(infoHash)?.sampleSeedersFirst(1) ?? [];
    if (seeder) this.remove(infoHash, seeder.tracked.key);
  }

  /** Before room is made: nobody gives way to who is refused then. */
  #checkShare(key: string): void {
    const { peersMax, peersPerAddressMax } = this.#limits;
    const isFull =
      this.#counts.ofAddress(key) >= peersPerAddressMax ||
      this.#counts.ofNetwork(key) >= peersMax * networkShare;
    if (isFull) throw fullError();
  }

  /** @throws {StorageFullError} when there is none, and nobody to give way. */
  #makeSwarmRoom(comer: string): void {
    if (this.#swarms.size < this.#limits.swarmsMax) return;
    let most = 0;
    let leaving: [InfoHash, readonly SwarmPeer[]] | undefined;
    for (let look = 0; look < looksMax; look++) {
      const next = this.#looking.next();
      if (next.done) {
        this.#looking = this.#swarms.entries();
        continue;
      }
      const [infoHash, swarm] = next.value;
      if (swarm.size > smallSwarmMax) continue;
      const peers = swarm.sampleSeedersFirst(smallSwarmMax);
      const least = Math.min(...peers.map(({ tracked }) => this.#excessOf(tracked.key, comer)));
      if (least <= most) continue;
      most = least;
      leaving = [infoHash, peers];
    }
    if (!leaving) throw fullError();
    const [infoHash, peers] = leaving;
    for (const { tracked } of peers) this.remove(infoHash, tracked.key);
  }

  /** How many peers somebody has, if they are so many more than the comer's that one may give way; else 0. */
  #excessOf(key: string, comer: string): number {
    const count = this.#countAgainst(key, comer);
    return count >= (this.#countAgainst(comer, key) + 1) * advantageMin ? count : 0;
  }

  /** Peers of somebody's address or, against others than its network, of a network that has too many. */
  #countAgainst(key: string, other: string): number {
    const ofNetwork = this.#counts.ofNetwork(key);
    const isTooMuch = ofNetwork >= this.#limits.swarmsMax * networkShare;
    const isOwn = networkOfKey(key) === networkOfKey(other);
    return isTooMuch && !isOwn ? ofNetwork : this.#counts.ofAddress(key);
  }

  #count(key: string, change: 1 | -1): void {
    this.#counts.change(key, change);
    this.#peerCount += change;
  }
}

function fullError(): StorageFullError {
  return new StorageFullError("Cannot take in the peer: the tracker is full");
}
