import { rm } from "node:fs/promises";

import { DigestMismatchError } from "../errors.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { ArrivingTorrent } from "./arriving-torrent.ts";
import { Bitfield } from "./bitfield.ts";
import type { DigestThread } from "./digest-thread.ts";
import type { RunningDigest } from "./growing-digest.ts";
import { existingPieces } from "./existing-pieces.ts";
import { PieceFile } from "./piece-file.ts";
import type { PieceHashes } from "./piece-hashes.ts";

/** Bytes that are given to the digest at once: a message for each piece would cost more. */
const digestStep = 4 * 1024 * 1024;

/** The file of a blob that arrives, the pieces in it, and the sha256 of what is in order. */
export class ArrivingBlob {
  readonly have: Bitfield;
  readonly #torrent: ArrivingTorrent;
  readonly #hashes: PieceHashes;
  #file: PieceFile | undefined;
  #path = "";
  /** An earlier run left bytes in the file. */
  #isResumed = false;
  #digest: RunningDigest | undefined;
  /** Pieces from the first on without a gap, and how much of that may be hashed. */
  #prefix = 0;
  #digestedEnd = 0;

  constructor(torrent: ArrivingTorrent, hashes: PieceHashes) {
    this.#torrent = torrent;
    this.#hashes = hashes;
    this.have = new Bitfield(torrent.layout.pieceCount);
  }

  /** Opens the file. @throws {DataLossError} {UnavailableError} */
  async open(path: string, digests: DigestThread): Promise<void> {
    this.#file = await PieceFile.open(path, "r+");
    this.#path = path;
    this.#isResumed = (await this.#file.stat()).bytesOnDisk > 0;
    this.#digest = digests.start(path, this.#torrent.layout.size);
  }

  /**
   * Gives those of the pieces from `start` to `end`, whose hashes are known, that are in the file
   * already, once each is noted as held.
   */
  async *existing(
    options: Cancellable & { readonly start: number; readonly end: number },
  ): AsyncGenerator<number, void> {
    const file = this.#file;
    if (!file || !this.#isResumed) return;
    const { layout } = this.#torrent;
    const deps = { file, layout, hashes: this.#hashes };
    for await (const index of existingPieces(deps, options)) {
      this.have.add(index);
      yield index;
    }
    this.#advanceDigest();
  }

  /** Fills the buffer from a position, whatever is there. @throws {DataLossError} */
  async read(buffer: Uint8Array, position: number): Promise<void> {
    await this.#file?.read(buffer, position);
  }

  /** Writes a piece that was checked, and then holds it. @throws {StorageFullError} */
  async write(index: number, bytes: Uint8Array): Promise<void> {
    await this.#file?.write(bytes, index * this.#torrent.layout.pieceLength);
    this.have.add(index);
    this.#advanceDigest();
  }

  /**
   * Checks the blob once it has all pieces, and waits until it is on disk. If the disk fails the
   * file is gone.
   *
   * @throws {DigestMismatchError} {StorageFullError} {UnavailableError}
   */
  async finish(): Promise<void> {
    const { digest } = this.#torrent;
    // The disk works while the last bytes are hashed.
    const synced = this.#sync();
    synced.catch(() => undefined);
    try {
      const actual = (await this.#digest?.result()) ?? digest;
      if (actual !== digest) throw new DigestMismatchError(digest, actual);
    } finally {
      await synced;
    }
  }

  /** Lets go of the file. */
  async close(): Promise<void> {
    this.#digest?.[Symbol.dispose]();
    await this.#file?.close();
  }

  /**
   * A disk that could not take the bytes says so once: the next sync succeeds, and reads give what
   * memory has until that is short. So who tries again must not find them; who reads goes on.
   */
  async #sync(): Promise<void> {
    try {
      await this.#file?.sync();
    } catch (error) {
      await rm(this.#path, { force: true });
      throw error;
    }
  }

  #advanceDigest(): void {
    const { pieceLength, size } = this.#torrent.layout;
    this.#prefix = this.have.firstMissing(this.#prefix);
    const end = Math.min(size, this.#prefix * pieceLength);
    if (end < this.#digestedEnd + digestStep && end < size) return;
    this.#digestedEnd = end;
    this.#digest?.advance(end);
  }
}
