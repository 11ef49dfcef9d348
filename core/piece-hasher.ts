import { createHash, type Hash } from "node:crypto";

/** Length in bytes of one SHA-1 hash in metainfo. */
export const pieceHashLength = 20;

/**
 * Hashes the pieces of a blob while its bytes pass in order, so that metainfo
 * costs no second read. Holds one hash state, whatever the size of the blob.
 */
export class PieceHasher {
  readonly #pieceLength: number;
  readonly #hashes: Buffer[] = [];
  #hash: Hash = createHash("sha1");
  #hashed = 0;

  constructor(pieceLength: number) {
    this.#pieceLength = pieceLength;
  }

  /** Takes the next bytes of the blob, which may cross any number of pieces. */
  update(chunk: Uint8Array): void {
    let start = 0;
    while (start < chunk.byteLength) {
      const end = Math.min(chunk.byteLength, start + this.#pieceLength - this.#hashed);
      this.#hash.update(chunk.subarray(start, end));
      this.#hashed += end - start;
      if (this.#hashed === this.#pieceLength) this.#endPiece();
      start = end;
    }
  }

  /** The hashes of the pieces that ended, from piece `start` on, 20 bytes each. */
  finished(start: number): Buffer {
    return Buffer.concat(this.#hashes.slice(start));
  }

  /** Ends the last piece, which may be shorter. The hasher is used up. */
  end(): void {
    if (this.#hashed > 0) this.#endPiece();
  }

  /** Ends the last piece and gives all hashes, 20 bytes each. The hasher is used up. */
  digest(): Buffer {
    this.end();
    return this.finished(0);
  }

  #endPiece(): void {
    this.#hashes.push(this.#hash.digest());
    this.#hash = createHash("sha1");
    this.#hashed = 0;
  }
}
