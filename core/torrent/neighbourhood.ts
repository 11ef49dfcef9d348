import { type CopyHolder, PieceCopies } from "./piece-copies.ts";

/** A peer among others, as far as borders and shared links go. */
export interface Neighbour extends CopyHolder {
  /** Has every piece, or is who receives the blob first: counts for no piece's rarity. */
  readonly whole: boolean;
  /** It does not give what it was asked for. */
  readonly stalled?: boolean;
  /** Where it is is known, and no border lies between; unlike {@link isFar}, not a guess. */
  readonly isNear?: boolean;
  /** Pieces of which it said that others have asked it lately. */
  readonly given?: { has(index: number): boolean } | undefined;
}

/**
 * Who else is here, and what is therefore left to others: what near nodes have does not cross
 * the border of a zone again, and who gives to all is asked by each in turn. Knows no sockets and no time.
 */
export class Neighbourhood {
  /** What nodes without the whole blob have. */
  readonly copies: PieceCopies;
  readonly #random: () => number;
  /** Near peers that have all pieces. */
  readonly #wholeNearby = new Set<Neighbour>();
  #isNearSlow = false;

  constructor(options: { readonly pieceCount: number; readonly random: () => number }) {
    this.copies = new PieceCopies(options.pieceCount);
    this.#random = options.random;
  }

  /** Near peers give so little that far ones are asked like them. */
  set isNearSlow(isNearSlow: boolean) {
    this.#isNearSlow = isNearSlow;
  }

  /** A peer that has the whole blob is connected; it counts when it is near. */
  addWhole(peer: Neighbour): void {
    if (peer.isNear) this.#wholeNearby.add(peer);
  }

  removeWhole(peer: Neighbour): void {
    this.#wholeNearby.delete(peer);
  }

  /** Whether near peers are connected: then what they have is not taken from far ones. */
  get hasNear(): boolean {
    if (this.#isNearSlow) return false;
    return this.copies.nearHolders > 0 || this.#wholeNearby.size > 0;
  }

  /** Whether a near peer has all, and gives. */
  get isWholeNearby(): boolean {
    for (const peer of this.#wholeNearby) if (!peer.stalled) return true;
    return false;
  }

  /** Whether a piece need not come from afar. */
  isNearby(index: number): boolean {
    return !this.#isNearSlow && (this.copies.near(index) > 0 || this.isWholeNearby);
  }

  /**
   * Whether to take from a peer also what is nearby: it is near itself, or we starve.
   *
   * @param options `isStarving`: pieces are missing, and nothing is on its way.
   */
  mayCross(peer: Neighbour, { isStarving }: { readonly isStarving: boolean }): boolean {
    return !peer.isFar || this.#isNearSlow || (isStarving && this.isMyTurn(peer));
  }

  /**
   * Copies of a piece in place of a peer's, but for those of others with all: of a near peer's
   * piece those that are near, for the others would have to cross a border. What the peer has just
   * given counts as one more, if there are others to get it from.
   */
  rivals(index: number, peer: Neighbour): number {
    const copies = peer.isFar ? this.copies.all(index) : this.copies.near(index);
    return peer.given?.has(index) && this.askers(peer) > 0 ? copies + 1 : copies;
  }

  /** Nodes that may take from a peer as we do. */
  askers(peer: Neighbour): number {
    return peer.whole && peer.isFar ? this.copies.holders : this.copies.nearHolders;
  }

  /** True with a chance of one in the number of nodes that download. */
  isMyTurn(peer: Neighbour): boolean {
    return this.#random() * (this.askers(peer) + 1) < 1;
  }
}
