import type { AskedPiece } from "./asked-piece.ts";

/** The pieces that one connection is asked for, in order: they are few, and most often one. */
export class AskedPieces {
  #first: AskedPiece | undefined;

  get last(): AskedPiece | undefined {
    let last = this.#first;
    while (last?.nextAsked) last = last.nextAsked;
    return last;
  }

  find(index: number): AskedPiece | undefined {
    let piece = this.#first;
    while (piece && piece.index !== index) piece = piece.nextAsked;
    return piece;
  }

  /** Bytes that will come before that piece is here; 0 when it is not asked for. */
  bytesUntil(index: number): number {
    let bytes = 0;
    for (let piece = this.#first; piece; piece = piece.nextAsked) {
      bytes += piece.length - piece.received;
      if (piece.index === index) return bytes;
    }
    return 0;
  }

  /** @param last as {@link last} is, which it comes after. */
  append(piece: AskedPiece, last: AskedPiece | undefined): void {
    if (last) last.nextAsked = piece;
    else this.#first = piece;
  }

  remove(piece: AskedPiece): void {
    if (this.#first === piece) {
      this.#first = piece.nextAsked;
      return;
    }
    let before = this.#first;
    while (before && before.nextAsked !== piece) before = before.nextAsked;
    if (before) before.nextAsked = piece.nextAsked;
  }

  toArray(): AskedPiece[] {
    const pieces: AskedPiece[] = [];
    for (let piece = this.#first; piece; piece = piece.nextAsked) pieces.push(piece);
    return pieces;
  }
}
