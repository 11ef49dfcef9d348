import { randomInt } from "node:crypto";

import type { IpFamily } from "../core/ip-address.ts";
import type { Place } from "../core/topology.ts";

/** What a peer tells of itself, whatever the swarm. */
export interface PeerIdentity {
  /** Compact form of its address and port, a character for each byte. */
  readonly key: string;
  readonly family: IpFamily;
  /** In hex. */
  readonly peerId: string;
  /** Where it says that it is. */
  readonly place?: Place | undefined;
}

/**
 * A peer as all of its swarms share it: what is known of it is kept once, however many they
 * are, and one sign of life is one for all.
 */
export interface TrackedPeer extends PeerIdentity {
  /** As it said last. Each swarm lists it by that from its next announce there on. */
  place?: Place | undefined;
  /**
   * Tells this stay from an earlier one of the same peer, after which it was forgotten, in this
   * run or in one before it.
   */
  readonly admission: number;
  /** Swarms that it is in; at 0 it is forgotten. */
  swarmCount: number;
  /** When it was heard of last, in milliseconds of the monotonic clock. */
  heardMs: number;
  /** It fell silent although it had promised not to: nobody is told of it any more. */
  isGone: boolean;
}

/** No run has the admissions of another: 48 bits tell runs apart, and are exact in a number. */
const firstAdmissionMax = 2 ** 48 - 1;

/**
 * Part of the silence that forgets a peer. Who is heard of so long after its last heartbeat lives
 * without them: nobody who dies between two is.
 */
const beatlessShare = 2 / 3;

/** The peers of all swarms. Changes at once, never waits. */
export class PeerTable {
  readonly #peers = new Map<string, TrackedPeer>();
  /** Those that promised to be heard of at every heartbeat, and when they said so last. */
  readonly #beating = new Map<TrackedPeer, number>();
  #admissions = randomInt(firstAdmissionMax);

  /** Who is there by that address and peer id; else a new one, which must {@link join}. */
  heard(peer: PeerIdentity, nowMs: number): TrackedPeer {
    const known = this.find(peer);
    if (known) {
      known.heardMs = nowMs;
      // Announces by UDP do not tell it.
      known.place = peer.place ?? known.place;
      return known;
    }
    const { key, family, peerId, place } = peer;
    const admission = ++this.#admissions;
    return { key, family, peerId, place, admission, swarmCount: 0, heardMs: nowMs, isGone: false };
  }

  find(peer: PeerIdentity): TrackedPeer | undefined {
    return this.#peers.get(nameOf(peer));
  }

  /** Counts one more swarm that a peer is in. */
  join(peer: TrackedPeer): void {
    if (peer.swarmCount++ === 0) this.#peers.set(nameOf(peer), peer);
  }

  /** Counts one less. */
  leave(peer: TrackedPeer): void {
    if (--peer.swarmCount > 0 || peer.isGone) return;
    this.#peers.delete(nameOf(peer));
    this.#beating.delete(peer);
  }

  /** From now on {@link forgetSilent} is about that peer, too. */
  promiseHeartbeats(peer: TrackedPeer): void {
    if (peer.swarmCount > 0 && !peer.isGone) this.#beating.set(peer, peer.heardMs);
  }

  /**
   * Forgets the peers that promised heartbeats, and were not heard of for `silenceMaxMs`. In
   * swarms they remain, as gone, until somebody looks there.
   */
  forgetSilent({ nowMs, silenceMaxMs }: { nowMs: number; silenceMaxMs: number }): void {
    for (const [peer, beatMs] of this.#beating) {
      if (nowMs - peer.heardMs <= silenceMaxMs) continue;
      this.#beating.delete(peer);
      // It announced itself one by one when it should have beaten: nothing lets its batches through.
      if (peer.heardMs - beatMs > silenceMaxMs * beatlessShare) continue;
      peer.isGone = true;
      this.#peers.delete(nameOf(peer));
    }
  }
}

/** Clients at one address may have many peer ids: some have one for each torrent. */
function nameOf({ key, peerId }: PeerIdentity): string {
  return key + peerId;
}
