import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";

import { type Digest, type DigestAlgorithm, digestFromHash } from "../digest.ts";
import { PieceHasher } from "../piece-hasher.ts";
import { blobSizeMax, pieceLayoutOf } from "../piece-layout.ts";
import type { Cancellable } from "../ports/cancellable.ts";

/** Bytes read at once: half a millisecond of hashing, then others have their turn. */
const readLengthBytes = 1024 * 1024;

/** The hashes of an ingest's bytes, kept up to date as they pass. */
export class IngestHash {
  #sha256 = createHash("sha256");
  #pieces: PieceHasher | undefined;
  readonly #total: number;
  #size = 0;

  /** @param total Length of the whole blob, 0 when not known: then there are no piece hashes. */
  constructor(total: number) {
    this.#total = total;
    if (total > 0 && total <= blobSizeMax) {
      this.#pieces = new PieceHasher(pieceLayoutOf(total).pieceLength);
    }
  }

  update(chunk: Uint8Array): void {
    this.#size += chunk.byteLength;
    this.#sha256.update(chunk);
    this.#pieces?.update(chunk);
    if (this.#size === this.#total) this.#pieces?.end();
  }

  /** The sha256 digest of the bytes so far. */
  digest(): Digest {
    return digestFromHash(this.#sha256.copy());
  }

  /** Hashes of the pieces whose bytes all passed, from piece `start` on; none without a known total. */
  finishedPieces(start: number): Uint8Array {
    return this.#pieces?.finished(start) ?? new Uint8Array();
  }

  /** The pieces' hashes, 20 bytes each; `undefined` without a known total. Ends the counting. */
  pieceHashes(): Uint8Array | undefined {
    const hashes = this.#pieces?.digest();
    this.#pieces = undefined;
    return hashes;
  }

  /** Bytes that were hashed. */
  get size(): number {
    return this.#size;
  }
}

/** Hashes what an earlier process wrote to a file, at most `size` bytes. */
export async function hashFile(
  path: string,
  { size, total, signal }: Cancellable & { readonly size: number; readonly total: number },
): Promise<IngestHash> {
  const hash = new IngestHash(total);
  for await (const chunk of readChunks(path, size, signal)) hash.update(chunk);
  return hash;
}

/** The digest of a file by another algorithm than the one that runs along. */
export async function digestOfFile(
  path: string,
  {
    algorithm,
    size,
    signal,
  }: Cancellable & { readonly algorithm: DigestAlgorithm; readonly size: number },
): Promise<Digest> {
  const hash = createHash(algorithm);
  for await (const chunk of readChunks(path, size, signal)) hash.update(chunk);
  return digestFromHash(hash, algorithm);
}

/** The chunk is used again for the next one. */
async function* readChunks(
  path: string,
  size: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const file: FileHandle = await open(path, "r");
  try {
    const buffer = Buffer.allocUnsafe(Math.min(readLengthBytes, Math.max(size, 1)));
    for (let offset = 0; offset < size;) {
      signal.throwIfAborted();
      const length = Math.min(buffer.length, size - offset);
      const { bytesRead } = await file.read(buffer, 0, length, offset);
      if (bytesRead === 0) return;
      offset += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
