import type { Bitfield } from "./bitfield.ts";

/** Who could give a piece, as far as picking goes. */
export interface PickingPeer {
  has(index: number): boolean;
  /** Has every piece, or is who receives the blob first: counts for no piece's rarity. */
  readonly whole: boolean;
}

/** Pieces that are compared by rarity. More make no better crowd and cost time. */
const sampleSize = 48;

/**
 * Pieces at a reader's position that come before rarity, while nobody else has them:
 * enough for a reader not to wait for each, few enough not to make a crowd of readers
 * ask the seeder for the same ones.
 */
const windowMin = 4;

/**
 * As far as a reader's window grows over pieces that other nodes have as well, or while
 * there are no others to trade with: what a reader has to wait for comes in its order.
 */
const windowMax = 16;

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
 */
export class PiecePicker {
  readonly #pieceCount: number;
  readonly #random: () => number;
  readonly #isGrowing: boolean;
  /** Pieces from the first one on that may be picked: their hashes are known. */
  #admitted: number;
  #isStarving = false;
  /** Nodes without the whole blob that have the piece. */
  readonly #availability: Uint16Array;
  /** Nodes that have it soon, from a source that has all pieces. */
  readonly #intents: Uint16Array;
  /** Pieces that nobody fetches and that are missing, in no order, and where each stands. */
  readonly #untouched: Uint32Array;
  readonly #position: Int32Array;
  #untouchedCount: number;
  readonly #pending = new Set<number>();
  readonly #readers = new Map<number, number>();
  #partialPeers = 0;

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
    this.#availability = new Uint16Array(options.pieceCount);
    this.#intents = new Uint16Array(options.pieceCount);
    this.#untouched = Uint32Array.from({ length: options.pieceCount }, (_, index) => index);
    this.#position = Int32Array.from(this.#untouched);
    this.#untouchedCount = this.#admitted;
    if (this.#isGrowing) this.#position.fill(-1);
  }

  /** Lets pieces up to `end` be picked, but for those that are here. */
  admit(end: number, here: Pick<Bitfield, "has">): void {
    for (let index = this.#admitted; index < end; index++) {
      if (!here.has(index)) this.#addUntouched(index);
    }
    this.#admitted = Math.max(this.#admitted, end);
  }

  /** Whether a piece that may be picked is missing. */
  get isWanting(): boolean {
    return this.#untouchedCount > 0 || this.#pending.size > 0;
  }

  /** Pieces are missing, nothing is on its way, and it has been so for long. */
  set isStarving(isStarving: boolean) {
    this.#isStarving = isStarving;
  }

  /** Pieces that are being fetched. */
  get pending(): ReadonlySet<number> {
    return this.#pending;
  }

  /** A node without the whole blob is connected; its pieces are told by {@link addHave}. */
  addPartialPeer(): void {
    this.#partialPeers++;
  }

  /** Such a node has left, with what it had. */
  removePartialPeer(had: Bitfield): void {
    this.#partialPeers--;
    for (let index = 0; index < this.#pieceCount; index++) {
      if (had.has(index)) this.#availability[index] = (this.#availability[index] ?? 1) - 1;
    }
  }

  addHave(index: number): void {
    this.#availability[index] = (this.#availability[index] ?? 0) + 1;
  }

  /** A node said that it is fetching a piece from a source that has all of them. */
  addIntent(index: number): void {
    this.#intents[index] = (this.#intents[index] ?? 0) + 1;
  }

  removeIntent(index: number): void {
    this.#intents[index] = (this.#intents[index] ?? 1) - 1;
  }

  /** Notes that a reader waits at a piece. `reader` is any number that is not in use. */
  addReader(reader: number, index: number): void {
    this.#readers.set(reader, index);
  }

  removeReader(reader: number): void {
    this.#readers.delete(reader);
  }

  /** Whether a piece that may be picked is not here, be it on its way or not. */
  isMissing(index: number): boolean {
    return this.#isUntouched(index) || this.#pending.has(index);
  }

  /** The first piece for which a reader waits; `undefined` also when it may not be picked yet. */
  firstWaiting(): number | undefined {
    const [reader] = this.#readers.keys();
    const index = reader === undefined ? undefined : this.#readerAt(reader);
    return index === undefined || index >= this.#admitted ? undefined : index;
  }

  /** Picks a piece that nobody fetches; from now on it is pending. */
  pick(peer: PickingPeer): number | undefined {
    const index = this.#pickForReader(peer) ?? this.#pickRare(peer);
    if (index !== undefined) this.#touch(index);
    return index;
  }

  /** Picks the first piece at or after `start` that nobody fetches, else the first of all. */
  pickFrom(start: number): number | undefined {
    if (this.#untouchedCount === 0) return undefined;
    for (let step = 0; step < this.#pieceCount; step++) {
      const index = (start + step) % this.#pieceCount;
      if (!this.#isUntouched(index)) continue;
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
  pickPending(peer: PickingPeer, isWorthIt: (index: number) => boolean): number | undefined {
    for (const reader of this.#readers.keys()) {
      const first = this.#readerAt(reader);
      const end = Math.min(first + windowMin, this.#pieceCount);
      for (let index = first; index < end; index++) {
        if (this.#pending.has(index) && peer.has(index) && isWorthIt(index)) return index;
      }
    }
    for (const index of this.#pending) {
      if (peer.has(index) && isWorthIt(index)) return index;
    }
    return undefined;
  }

  /** A pending piece was given up: it can be picked again. */
  putBack(index: number): void {
    if (this.#pending.delete(index)) this.#addUntouched(index);
  }

  /** A piece is here and right: it is never picked again. */
  done(index: number): void {
    if (!this.#pending.delete(index)) this.#removeUntouched(index);
  }

  #touch(index: number): void {
    this.#removeUntouched(index);
    this.#pending.add(index);
  }

  #addUntouched(index: number): void {
    this.#position[index] = this.#untouchedCount;
    this.#untouched[this.#untouchedCount++] = index;
  }

  #isUntouched(index: number): boolean {
    return (this.#position[index] ?? -1) >= 0;
  }

  #removeUntouched(index: number): void {
    const position = this.#position[index] ?? -1;
    if (position < 0) return;
    const last = this.#untouched[--this.#untouchedCount] ?? 0;
    this.#untouched[position] = last;
    this.#position[last] = position;
    this.#position[index] = -1;
  }

  #pickForReader(peer: PickingPeer): number | undefined {
    if (this.#readers.size === 0) return undefined;
    const isMyTurn = this.#isMyTurn();
    for (const reader of this.#readers.keys()) {
      const first = this.#readerAt(reader);
      for (let index = first; index < this.#windowEnd(first); index++) {
        if (!this.#isUntouched(index) || !peer.has(index)) continue;
        if (!peer.whole || (isMyTurn && this.#copies(index) === 0)) return index;
      }
    }
    return undefined;
  }

  /** Copies of a piece that other nodes have or will have soon, but for those with all. */
  #copies(index: number): number {
    return (this.#availability[index] ?? 0) + (this.#intents[index] ?? 0);
  }

  /** The first piece that a reader waits for: what is here already is behind it. */
  #readerAt(reader: number): number {
    let index = this.#readers.get(reader) ?? 0;
    while (index < this.#admitted && !this.isMissing(index)) index++;
    this.#readers.set(reader, index);
    return index;
  }

  #windowEnd(first: number): number {
    let end = Math.min(first + windowMin, this.#pieceCount);
    const limit = Math.min(first + windowMax, this.#pieceCount);
    if (this.#partialPeers === 0) return limit;
    while (end < limit && (this.#availability[end] ?? 0) > 0) end++;
    return end;
  }

  #pickRare(peer: PickingPeer): number | undefined {
    let best: number | undefined;
    let bestCopies = Infinity;
    const samples = Math.min(sampleSize, this.#untouchedCount);
    for (let sample = 0; sample < samples; sample++) {
      const index = this.#untouched[Math.floor(this.#random() * this.#untouchedCount)] ?? 0;
      const copies = this.#copies(index);
      if (copies >= bestCopies || !peer.has(index)) continue;
      best = index;
      bestCopies = copies;
    }
    if (best === undefined) return this.#pickAny(peer);
    return bestCopies > 0 && !this.#maySpend(peer) ? undefined : best;
  }

  /**
   * Whether to take from a source that has all what other nodes could give as well: its
   * link is what the whole crowd waits for, so now and then only, or when there is
   * nothing else to do.
   */
  #maySpend(peer: PickingPeer): boolean {
    if (!peer.whole || this.#partialPeers === 0 || this.#isStarving) return true;
    return !this.#isGrowing && (this.#pending.size === 0 || this.#isMyTurn());
  }

  /** True with a chance of one in the number of nodes that download. */
  #isMyTurn(): boolean {
    return this.#random() * (this.#partialPeers + 1) < 1;
  }

  /** For a peer with so few pieces that the sample had none of them. */
  #pickAny(peer: PickingPeer): number | undefined {
    const copiesMax = this.#maySpend(peer) ? Infinity : 0;
    const start = Math.floor(this.#random() * this.#untouchedCount);
    for (let step = 0; step < this.#untouchedCount; step++) {
      const index = this.#untouched[(start + step) % this.#untouchedCount] ?? 0;
      if (peer.has(index) && this.#copies(index) <= copiesMax) return index;
    }
    return undefined;
  }
}
