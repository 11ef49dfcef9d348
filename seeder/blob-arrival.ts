import { type FileHandle, open } from "node:fs/promises";

import { Notifier } from "../core/async/notifier.ts";
import type { ByteRange } from "../core/byte-range.ts";
import type { Descriptor } from "../core/descriptor.ts";
import { algorithmOf } from "../core/digest.ts";
import { DataLossError, UnavailableError } from "../core/errors.ts";
import { pieceHashLength } from "../core/piece-hasher.ts";
import { blobSizeMax, pieceLayoutOf } from "../core/piece-layout.ts";
import type { Ingest } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";

/** A blob, and the registry that gives it. */
interface ArrivingFrom {
  readonly descriptor: Descriptor;
  readonly registry: string;
}

/** What {@link BlobArrival} reads of the ingest that fills it. */
export type GrowingIngest = Pick<Ingest, "status" | "path" | "finishedPieces" | "digest">;

/**
 * Milliseconds for which more bytes and hashes gather before readers are woken: a chunk of a
 * fast registry comes several times as often, and a thousand nodes may wait for it.
 */
const gatherMs = 10;

/** Bytes that one reader has in memory: there may be as many readers as connections. */
const chunkLengthMax = 128 * 1024;

/**
 * A blob on its way from its origin, and what is here of it for others to read along. They
 * read the file behind its writer, each at its own pace.
 *
 * The very end is held back until all bytes together are the digest's: nobody has been
 * given the whole of something else, and taken its end for a good one.
 */
export class BlobArrival {
  readonly descriptor: Descriptor;
  /** Whose word its bytes are, until the digest of all of them is known. */
  readonly registry: string;
  readonly #onUnwanted: () => void;
  readonly #changed = new Notifier();
  /** Until what gathers is told. */
  #gathering: NodeJS.Timeout | undefined;
  #holds = 0;
  #file: FileHandle | undefined;
  #path: string | undefined;
  #bytes = 0;
  /** Room for the hashes of all pieces; made when the first ones are known. */
  #hashes: Uint8Array = new Uint8Array();
  #pieces = 0;
  #isChecked = false;
  #isWhole = false;
  #failure: { readonly error: unknown } | undefined;

  /** @param onUnwanted Called each time when nobody holds it any more before its end. */
  constructor({ descriptor, registry }: ArrivingFrom, onUnwanted: () => void) {
    this.descriptor = descriptor;
    this.registry = registry;
    this.#onUnwanted = onUnwanted;
  }

  /** The file with its bytes, once the origin gives some; it is moved at the end. */
  get path(): string | undefined {
    return this.#path;
  }

  /** Whether it ended well: the blob is in the store. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  get #isEnded(): boolean {
    return this.#isWhole || this.#failure !== undefined;
  }

  /** Wants the blob, and the right to read along, until the result is disposed of. */
  hold(): Disposable {
    let isHeld = true;
    this.#holds++;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#holds--;
        // One whose bytes are all here gets into the store, whoever wants it.
        if (this.#holds === 0 && !this.#isEnded && !this.#isChecked) this.#onUnwanted();
        this.#closeIfLeft();
      },
    };
  }

  /** The origin has given its first bytes: from now on there is something to read. */
  async begin({ path }: GrowingIngest): Promise<void> {
    if (path === undefined || this.#file) return;
    this.#file = await open(path, "r");
    this.#path = path;
    this.#notify();
  }

  /** More was written. */
  grow(ingest: GrowingIngest): void {
    const { digest, size } = this.descriptor;
    const added = ingest.finishedPieces(this.#pieces);
    if (added.byteLength > 0) {
      if (this.#pieces === 0) this.#hashes = new Uint8Array(this.#pieceCount * pieceHashLength);
      this.#hashes.set(added, this.#pieces * pieceHashLength);
      this.#pieces += added.byteLength / pieceHashLength;
    }
    this.#bytes = ingest.status.offset;
    // A hash that does not run along is told by the commit.
    this.#isChecked =
      this.#bytes === size && algorithmOf(digest) === "sha256" && ingest.digest() === digest;
    if (this.#isChecked) this.#notify();
    else this.#gathering ??= setTimeout(() => this.#notify(), gatherMs);
  }

  /** The blob is in the store. */
  end(): void {
    this.#isWhole = true;
    this.#isChecked = true;
    this.#notify();
    this.#closeIfLeft();
  }

  /** It will not come: who reads along is told why, at once. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#notify();
    this.#closeIfLeft();
  }

  /**
   * Resolves when the first bytes came from the origin, or all of the blob is in the store.
   *
   * @throws what the fetch fails with.
   */
  async begun({ signal }: Cancellable): Promise<void> {
    await this.#until(() => this.#file !== undefined || this.#isWhole, signal);
  }

  /** Resolves when it is whole, or will not come. */
  async ended({ signal }: Cancellable): Promise<void> {
    while (!this.#isEnded) await this.#changed.changed(signal);
  }

  /**
   * Reads a part, waiting for what is not here yet. Only for who holds it, after {@link begun}.
   *
   * @throws {UnavailableError} when the fetch fails.
   */
  async *read(
    { start, end }: ByteRange,
    { signal }: Cancellable,
  ): AsyncGenerator<Uint8Array, void> {
    const file = this.#file;
    if (!file) throw new UnavailableError("Cannot read along: nothing came of the blob");
    for (let offset = start; offset < end;) {
      await this.#reached(() => this.#availableBytes > offset, signal);
      const length = Math.min(chunkLengthMax, end - offset, this.#availableBytes - offset);
      const chunk = Buffer.allocUnsafeSlow(length);
      const { bytesRead } = await file.read(chunk, 0, length, offset);
      if (bytesRead === 0) throw new DataLossError("Cannot read along: bytes were lost");
      yield chunk.subarray(0, bytesRead);
      offset += bytesRead;
    }
  }

  /**
   * The hashes of all pieces from the one of index `start` on, in runs, as they become known.
   *
   * @throws {UnavailableError} when the fetch fails.
   */
  async *pieceHashes(start: number, { signal }: Cancellable): AsyncGenerator<Uint8Array, void> {
    for (let index = start; index < this.#pieceCount;) {
      await this.#reached(() => this.#availablePieces > index, signal);
      const known = this.#availablePieces;
      yield this.#hashes.slice(index * pieceHashLength, known * pieceHashLength);
      index = known;
    }
  }

  get #availableBytes(): number {
    const { size } = this.descriptor;
    return this.#isChecked ? size : Math.min(this.#bytes, size - 1);
  }

  get #availablePieces(): number {
    return this.#isChecked ? this.#pieces : Math.min(this.#pieces, this.#pieceCount - 1);
  }

  get #pieceCount(): number {
    const { size } = this.descriptor;
    return size >= 1 && size <= blobSizeMax ? pieceLayoutOf(size).pieceCount : 0;
  }

  async #reached(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    try {
      await this.#until(isSo, signal);
    } catch (cause) {
      signal.throwIfAborted();
      throw new UnavailableError("Cannot read along: the rest of the blob does not come", {
        cause,
      });
    }
  }

  async #until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#failure) throw this.#failure.error;
      if (isSo()) return;
      if (this.#isWhole) throw new UnavailableError("Cannot read along: the blob is in the store");
      await this.#changed.changed(signal);
    }
  }

  #notify(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#changed.notify();
  }

  #closeIfLeft(): void {
    if (!this.#isEnded || this.#holds > 0) return;
    const file = this.#file;
    this.#file = undefined;
    // Nothing was written by it that could be lost.
    file?.close().catch(() => undefined);
  }
}
