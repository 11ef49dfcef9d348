import { Bitfield } from "./bitfield.ts";

/** Pieces that a peer is told of and has not asked for: the next one before it is through. */
const offersMax = 4;

/** A peer that asks for none of its offers has them already: it is told of more, up to this. */
const offersMaxIdle = 256;

/**
 * An offer that is not taken up for so long goes to another peer: one of a peer that asks for
 * nothing, and one of a peer that does, whose link is slow.
 */
const offerMs = { idle: 2000, busy: 10_000 } as const;

/** Who asked for a piece passes it on; after so long everybody may ask for it. */
const spreadMs = 2000;

/** Peers that were offered a piece and did not ask for it, until everybody may. */
const triesMax = 3;

/** Somebody who is told of pieces. */
export interface OfferedPeer {
  onHave(index: number): void;
}

interface Room {
  /** Offers that were not taken up yet. */
  open: number;
  max: number;
  /** When the peer last asked for anything. */
  askedAtMs: number;
}

interface Offer {
  readonly peer: OfferedPeer;
  /** When it was made, or taken up. */
  sinceMs: number;
  /** All of the piece was asked for. */
  isTaken: boolean;
}

/**
 * Decides which peer is told first of each piece that a growing blob gains. Told of at once,
 * each would leave us once for every node; so it is offered to one, in turn, who passes it on,
 * and to all a while later. Knows no sockets; time is given.
 */
export class PieceOffers {
  /** Pieces of which everybody is told. */
  readonly told: Bitfield;
  readonly #now: () => number;
  /** The one first that was offered something the longest ago. */
  readonly #peers = new Map<OfferedPeer, Room>();
  readonly #waiting: number[] = [];
  readonly #offers = new Map<number, Offer>();
  /** Peers that did not take a piece up: how many, and the last one. */
  readonly #lapsed = new Map<number, { readonly count: number; readonly last: OfferedPeer }>();

  constructor(options: { readonly pieceCount: number; readonly now: () => number }) {
    this.told = new Bitfield(options.pieceCount);
    this.#now = options.now;
  }

  /** A piece is here. */
  gained(index: number): void {
    this.#waiting.push(index);
    this.#deal();
  }

  /** A peer has come, and was told of {@link told}. */
  join(peer: OfferedPeer): void {
    this.#peers.set(peer, { open: 0, max: offersMax, askedAtMs: -Infinity });
    this.#deal();
  }

  /** What it may have taken away with it is offered to others. */
  leave(peer: OfferedPeer): void {
    if (!this.#peers.delete(peer)) return;
    for (const [index, offer] of this.#offers) if (offer.peer === peer) this.#withdraw(index);
    this.#deal();
  }

  /** A peer has asked for a part of a piece, or for the last part. */
  asked(peer: OfferedPeer, index: number, { isLast }: { readonly isLast: boolean }): void {
    const room = this.#peers.get(peer);
    if (!room) return;
    room.askedAtMs = this.#now();
    const offer = this.#offers.get(index);
    if (offer?.peer !== peer || offer.isTaken || !isLast) return;
    offer.isTaken = true;
    offer.sinceMs = room.askedAtMs;
    room.open--;
    room.max = offersMax;
    this.#deal();
  }

  /** Looks for lapsed bounds. */
  tick(): void {
    const nowMs = this.#now();
    for (const [index, { peer, sinceMs, isTaken }] of this.#offers) {
      const ageMs = nowMs - sinceMs;
      if (isTaken && ageMs >= spreadMs) this.#tellAll(index);
      if (!isTaken && ageMs >= this.#patienceMs(peer, nowMs)) this.#lapse(index, peer);
    }
    this.#deal();
  }

  #patienceMs(peer: OfferedPeer, nowMs: number): number {
    const idleMs = nowMs - (this.#peers.get(peer)?.askedAtMs ?? -Infinity);
    return idleMs < offerMs.idle ? offerMs.busy : offerMs.idle;
  }

  #lapse(index: number, peer: OfferedPeer): void {
    const room = this.#peers.get(peer);
    if (room) {
      room.open--;
      room.max = Math.min(offersMaxIdle, room.max * 2);
    }
    const count = (this.#lapsed.get(index)?.count ?? 0) + 1;
    this.#lapsed.set(index, { count, last: peer });
    if (count >= Math.min(triesMax, this.#peers.size)) this.#tellAll(index);
    else this.#withdraw(index);
  }

  #withdraw(index: number): void {
    this.#offers.delete(index);
    this.#waiting.unshift(index);
  }

  #tellAll(index: number): void {
    const first = this.#offers.get(index)?.peer;
    this.#offers.delete(index);
    this.#lapsed.delete(index);
    this.told.add(index);
    for (const peer of this.#peers.keys()) if (peer !== first) peer.onHave(index);
  }

  /** Offers what waits to those who have room. A single peer has nobody to share with: it gets all. */
  #deal(): void {
    for (let index = this.#waiting[0]; index !== undefined; index = this.#waiting[0]) {
      const last = this.#lapsed.get(index)?.last;
      const peer = this.#leastBusy(last) ?? this.#leastBusy(undefined);
      if (!peer) return;
      this.#waiting.shift();
      this.#offer(index, peer);
    }
  }

  #leastBusy(besides: OfferedPeer | undefined): OfferedPeer | undefined {
    let best: OfferedPeer | undefined;
    let bestOpen = Infinity;
    const isSingle = this.#peers.size === 1;
    for (const [peer, { open, max }] of this.#peers) {
      if (peer === besides || open >= bestOpen || (open >= max && !isSingle)) continue;
      best = peer;
      bestOpen = open;
    }
    return best;
  }

  #offer(index: number, peer: OfferedPeer): void {
    const room = this.#peers.get(peer);
    if (!room) return;
    room.open++;
    this.#peers.delete(peer);
    this.#peers.set(peer, room);
    this.#offers.set(index, { peer, sinceMs: this.#now(), isTaken: false });
    peer.onHave(index);
  }
}
