import type { Bitfield } from "./bitfield.ts";

/** Somebody who has pieces, or will. */
export interface CopyHolder {
  /** The border of a zone lies between. Left out: it does not, as far as anybody knows. */
  readonly isFar?: boolean;
}

/** How many copies of each piece other nodes have or will have soon, but for those with all pieces. */
export class PieceCopies {
  /** Copies that are there or on their way, of near nodes and of far ones. */
  readonly #near: Uint16Array;
  #far: Uint16Array | undefined;
  /** Those of both that are on their way: apart, for most of what is heard is of what is there. */
  readonly #coming: Uint16Array;
  #holders = 0;
  #nearHolders = 0;

  constructor(pieceCount: number) {
    this.#near = new Uint16Array(pieceCount);
    this.#coming = new Uint16Array(pieceCount);
  }

  /** Nodes that have some pieces. */
  get holders(): number {
    return this.#holders;
  }

  /** Those of them that are near. */
  get nearHolders(): number {
    return this.#nearHolders;
  }

  addHolder(holder: CopyHolder): void {
    this.#holders++;
    if (!holder.isFar) this.#nearHolders++;
  }

  /** A node has left, with what it had. */
  removeHolder(holder: CopyHolder, had: Bitfield): void {
    this.#holders--;
    if (!holder.isFar) this.#nearHolders--;
    for (let index = 0; index < this.#near.length; index++) {
      if (had.has(index)) this.#count(index, holder, -1);
    }
  }

  /** A node has a piece. */
  add(index: number, holder: CopyHolder): void {
    this.#count(index, holder, 1);
  }

  /** A node will have a piece soon. */
  addComing(index: number, holder: CopyHolder): void {
    this.#coming[index] = (this.#coming[index] ?? 0) + 1;
    this.#count(index, holder, 1);
  }

  /** A piece is not on its way to a node any more. */
  removeComing(index: number, holder: CopyHolder): void {
    this.#coming[index] = (this.#coming[index] ?? 1) - 1;
    this.#count(index, holder, -1);
  }

  /** Nodes that have the piece already. */
  had(index: number): number {
    return this.all(index) - (this.#coming[index] ?? 0);
  }

  /** Copies that are there or on their way. */
  all(index: number): number {
    return this.near(index) + (this.#far?.[index] ?? 0);
  }

  /** Those of them that are near. */
  near(index: number): number {
    return this.#near[index] ?? 0;
  }

  #count(index: number, holder: CopyHolder, change: 1 | -1): void {
    const copies = holder.isFar ? this.#ofFar() : this.#near;
    copies[index] = (copies[index] ?? 0) + change;
  }

  /** Made when there is a first one: most nodes have no far ones. */
  #ofFar(): Uint16Array {
    this.#far ??= new Uint16Array(this.#near.length);
    return this.#far;
  }
}
