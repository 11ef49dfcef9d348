import { hash } from "node:crypto";

import { MetainfoError } from "../errors.ts";
import { pieceHashLength } from "../piece-hasher.ts";
import type { ArrivingTorrent } from "./arriving-torrent.ts";

/** The SHA-1 of the pieces of one blob: of all, or of the first ones while it still grows. */
export class PieceHashes {
  readonly #torrent: Pick<ArrivingTorrent, "digest" | "layout">;
  readonly #hashes: Uint8Array;
  #known: number;

  constructor(torrent: Pick<ArrivingTorrent, "digest" | "layout" | "pieceHashes">) {
    const { layout, pieceHashes } = torrent;
    this.#torrent = torrent;
    this.#hashes = pieceHashes ?? new Uint8Array(layout.pieceCount * pieceHashLength);
    this.#known = pieceHashes ? layout.pieceCount : 0;
  }

  /** Pieces from the first one on whose hashes are known. */
  get known(): number {
    return this.#known;
  }

  get isComplete(): boolean {
    return this.#known === this.#torrent.layout.pieceCount;
  }

  /** The hashes that are known, 20 bytes each. */
  get bytes(): Uint8Array {
    return this.#hashes.subarray(0, this.#known * pieceHashLength);
  }

  /**
   * Takes the hashes of the next pieces.
   *
   * @throws {MetainfoError} when they are not whole ones, or more than there are pieces.
   */
  add(hashes: Uint8Array): void {
    const count = hashes.byteLength / pieceHashLength;
    const { digest, layout } = this.#torrent;
    if (!Number.isInteger(count) || this.#known + count > layout.pieceCount) {
      const held = `${hashes.byteLength} bytes after ${this.#known} of ${layout.pieceCount} hashes`;
      throw new MetainfoError(`Cannot use hashes of ${digest}: ${held}`);
    }
    this.#hashes.set(hashes, this.#known * pieceHashLength);
    this.#known += count;
  }

  /** Whether the bytes are piece `index`; false while its hash is not known. */
  fits(index: number, bytes: Uint8Array): boolean {
    if (index >= this.#known) return false;
    const start = index * pieceHashLength;
    const expected = this.#hashes.subarray(start, start + pieceHashLength);
    return hash("sha1", bytes, "buffer").equals(expected);
  }
}
