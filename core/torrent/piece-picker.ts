import type { Bitfield } from "./bitfield.ts";
import { IndexSet } from "./index-set.ts";
import { type Neighbour, Neighbourhood } from "./neighbourhood.ts";
import type { CopyHolder } from "./piece-copies.ts";
import { PieceReaders } from "./piece-readers.ts";

/** Who could give a piece, as far as picking goes. */
export interface PickingPeer extends Neighbour {
  has(index: number): boolean;
}

/** A node of which nothing else is known. */
const somebodyNear: CopyHolder = {};

/** Pieces that are compared by rarity. More make no better crowd and cost time. */
const sampleSize = 48;

/**
 * Decides which piece is fetched next; knows no sockets and no time.
 *
 * Rarest first of a random sample, ties at random, so that nodes that start together
 * take different pieces from the seeder and trade them. Pieces where a reader waits
 * come before that; but while only the seeder has one and other nodes lack it too, each
 * of them asks the seeder with a chance of one in their number: one copy then spreads
 * among them instead of one for each. What nodes say to be fetching from the seeder counts
 * as a copy: without it the last pieces would be sent to everyone.
 *
 * While a blob grows, its seeder tells one node of each piece, and the others get it there: they
 * take nothing of which a copy is on its way, but when they starve.
 *
 * A far peer is asked for what no near one has or will have soon, so that each piece crosses the
 * border of a zone about once; for other pieces only when the node starves.
 */
export class PiecePicker {
  readonly #pieceCount: number;
  readonly #random: () => number;
  readonly #isGrowing: boolean;
  /** Pieces from the first one on that may be picked: their hashes are known. */
  #admitted: number;
  #isStarving = false;
  readonly #others: Neighbourhood;
  /** Pieces that nobody fetches and that are missing. */
  readonly #untouched: IndexSet;
  readonly #pending = new Set<number>();
  readonly #readers: PieceReaders;

  /** @param options `isGrowing`: pieces can be picked once they are admitted; else all at once. */
  constructor(options: {
    readonly pieceCount: number;
    readonly random: () => number;
    readonly isGrowing?: boolean;
  }) {
    this.#pieceCount = options.pieceCount;
    this.#random = options.random;
    this.#isGrowing = options.isGrowing ?? false;
    this.#admitted = this.#isGrowing ? 0 : options.pieceCount;
    this.#others = new Neighbourhood(options);
    this.#readers = new PieceReaders({
      pieceCount: options.pieceCount,
      end: () => this.#admitted,
      isMissing: (index) => this.isMissing(index),
    });
    this.#untouched = new IndexSet(options.pieceCount);
    for (let index = 0; index < this.#admitted; index++) this.#untouched.add(index);
  }

  /** Lets pieces up to `end` be picked, but for those that are here. */
  admit(end: number, here: Pick<Bitfield, "has">): void {
    for (let index = this.#admitted; index < end; index++) {
      if (!here.has(index)) this.#untouched.add(index);
    }
    this.#admitted = Math.max(this.#admitted, end);
  }

  /** Pieces that may be picked and are missing. */
  get missingCount(): number {
    return this.#untouched.size + this.#pending.size;
  }

  /** Whether there are such pieces. */
  get isWanting(): boolean {
    return this.missingCount > 0;
  }

  /** Pieces are missing, nothing is on its way, and it has been so for long. */
  set isStarving(isStarving: boolean) {
    this.#isStarving = isStarving;
  }

  /** Near peers give so little that far ones are asked like them. */
  set isNearSlow(isNearSlow: boolean) {
    this.#others.isNearSlow = isNearSlow;
  }

  /** Pieces that are being fetched. */
  get pending(): ReadonlySet<number> {
    return this.#pending;
  }

  /** A node without the whole blob is connected; its pieces are told by {@link addHave}. */
  addPartialPeer(node: CopyHolder = somebodyNear): void {
    this.#others.copies.addHolder(node);
  }

  /** Such a node has left, with what it had. */
  removePartialPeer(had: Bitfield, node: CopyHolder = somebodyNear): void {
    this.#others.copies.removeHolder(node, had);
  }

  addHave(index: number, node: CopyHolder = somebodyNear): void {
    this.#others.copies.add(index, node);
  }

  /** A node said that it is fetching a piece from where others would have to get it, too. */
  addIntent(index: number, node: CopyHolder = somebodyNear): void {
    this.#others.copies.addComing(index, node);
  }

  removeIntent(index: number, node: CopyHolder = somebodyNear): void {
    this.#others.copies.removeComing(index, node);
  }

  /** A peer that has the whole blob is connected. */
  addWholePeer(peer: PickingPeer): void {
    // While a blob grows nobody has it: what its seeder tells others of it does not give here.
    if (!this.#isGrowing) this.#others.addWhole(peer);
  }

  removeWholePeer(peer: PickingPeer): void {
    this.#others.removeWhole(peer);
  }

  /** Whether near peers are connected: then what they have is not taken from far ones. */
  get hasNearPeers(): boolean {
    return this.#others.hasNear;
  }

  /** Whether a piece of a peer is left to near ones, who have it or will have it soon. */
  isLeftToNear(index: number, peer: PickingPeer): boolean {
    return (peer.isFar ?? false) && this.#others.isNearby(index);
  }

  /** Notes that a reader waits at a piece. `reader` is any number that is not in use. */
  addReader(reader: number, index: number): void {
    this.#readers.add(reader, index);
  }

  removeReader(reader: number): void {
    this.#readers.remove(reader);
  }

  /** Whether a piece that may be picked is not here, be it on its way or not. */
  isMissing(index: number): boolean {
    return this.#untouched.has(index) || this.#pending.has(index);
  }

  /** Whether a piece may be picked that nobody fetches yet. */
  isUntouched(index: number): boolean {
    return this.#untouched.has(index);
  }

  /** The first piece for which a reader waits; `undefined` also when it may not be picked yet. */
  firstWaiting(): number | undefined {
    const index = this.#readers.first();
    return index === undefined || index >= this.#admitted ? undefined : index;
  }

  /** Picks a piece that nobody fetches; from now on it is pending. */
  pick(peer: PickingPeer): number | undefined {
    const mayCross = this.#others.mayCross(peer, { isStarving: this.#isStarving });
    if (!mayCross && this.#others.isWholeNearby) return undefined;
    const index = this.#pickForReader(peer, mayCross) ?? this.#pickRare(peer, mayCross);
    if (index !== undefined) this.#touch(index);
    return index;
  }

  /** Picks the first piece at or after `start` that nobody fetches, else the first of all. */
  pickFrom(start: number): number | undefined {
    if (this.#untouched.size === 0) return undefined;
    for (let step = 0; step < this.#pieceCount; step++) {
      const index = (start + step) % this.#pieceCount;
      if (!this.#untouched.has(index)) continue;
      this.#touch(index);
      return index;
    }
    return undefined;
  }

  /** Makes a piece pending that was chosen elsewhere. */
  take(index: number): void {
    this.#touch(index);
  }

  /** A pending piece where a reader waits, or else any: for a source that is idle. */
  pickPending(
    peer: PickingPeer,
    isWorthIt: (index: number, isUrgent: boolean) => boolean,
  ): number | undefined {
    const waiting = this.#readers.size > 0 ? this.#readers.positions() : [];
    for (const first of waiting) {
      const end = this.#readers.urgentEnd(first);
      for (let index = first; index < end; index++) {
        if (this.#pending.has(index) && peer.has(index) && isWorthIt(index, true)) return index;
      }
    }
    for (const index of this.#pending) {
      if (peer.has(index) && isWorthIt(index, false)) return index;
    }
    return undefined;
  }

  /** A pending piece was given up: it can be picked again. */
  putBack(index: number): void {
    if (this.#pending.delete(index)) this.#untouched.add(index);
  }

  /** A piece is here and right: it is never picked again. */
  done(index: number): void {
    if (!this.#pending.delete(index)) this.#untouched.delete(index);
  }

  #touch(index: number): void {
    this.#untouched.delete(index);
    this.#pending.add(index);
  }

  #pickForReader(peer: PickingPeer, mayCross: boolean): number | undefined {
    if (this.#readers.size === 0) return undefined;
    const isShared = peer.whole || (peer.isFar ?? false);
    const isMyTurn = this.#others.isMyTurn(peer);
    const crowd = this.#others.copies.holders > 0 ? this.#others.copies : undefined;
    for (const first of this.#readers.positions()) {
      const end = this.#readers.windowEnd(first, crowd);
      for (let index = first; index < end; index++) {
        if (!this.#untouched.has(index) || !peer.has(index)) continue;
        if (!isShared) return index;
        if (!mayCross && this.#others.isNearby(index)) continue;
        if (isMyTurn && (!peer.whole || this.#others.rivals(index, peer) === 0)) return index;
      }
    }
    return undefined;
  }

  #pickRare(peer: PickingPeer, mayCross: boolean): number | undefined {
    let best: number | undefined;
    let bestCopies = Infinity;
    const samples = Math.min(sampleSize, this.#untouched.size);
    for (let sample = 0; sample < samples; sample++) {
      const index = this.#untouched.at(Math.floor(this.#random() * this.#untouched.size));
      const copies = this.#others.rivals(index, peer);
      if (copies >= bestCopies || !peer.has(index)) continue;
      if (!mayCross && this.#others.isNearby(index)) continue;
      best = index;
      bestCopies = copies;
    }
    if (best === undefined) return this.#pickAny(peer, mayCross);
    return bestCopies > 0 && !this.#maySpend(peer) ? undefined : best;
  }

  /**
   * Whether to take from a source that has all what other nodes could give as well: its
   * link is what the whole crowd waits for, so now and then only, or when there is
   * nothing else to do.
   */
  #maySpend(peer: PickingPeer): boolean {
    if (!peer.whole || this.#others.askers(peer) === 0 || this.#isStarving) return true;
    return !this.#isGrowing && (this.#pending.size === 0 || this.#others.isMyTurn(peer));
  }

  /** For a peer with so few pieces that the sample had none of them. */
  #pickAny(peer: PickingPeer, mayCross: boolean): number | undefined {
    const copiesMax = this.#maySpend(peer) ? Infinity : 0;
    const start = Math.floor(this.#random() * this.#untouched.size);
    for (let step = 0; step < this.#untouched.size; step++) {
      const index = this.#untouched.at((start + step) % this.#untouched.size);
      if (!peer.has(index) || this.#others.rivals(index, peer) > copiesMax) continue;
      if (mayCross || !this.#others.isNearby(index)) return index;
    }
    return undefined;
  }
}
