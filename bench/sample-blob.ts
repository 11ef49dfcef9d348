import { createCipheriv, createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { digestFromHash, type Digest } from "../core/digest.ts";
import { createMetainfo, encodeMetainfo, type Metainfo } from "../core/metainfo.ts";
import { PieceHasher } from "../core/piece-hasher.ts";
import { pieceLayoutOf } from "../core/piece-layout.ts";

/** Bytes made and written at once. */
const chunkLength = 2 ** 20;

/** A blob of bytes that no compression makes smaller, on disk. */
export interface SampleBlob {
  readonly size: number;
  readonly metainfo: Metainfo;
  /** Folder of the blob, whose file is named by its digest. */
  readonly directory: string;
  readonly path: string;
  /** A torrent file of it. */
  readonly torrentPath: string;
}

/** Writes a blob of `size` bytes and its torrent; the same seed gives the same bytes. */
export async function writeSampleBlob(options: {
  readonly size: number;
  readonly seed: string;
  readonly directory: string;
}): Promise<SampleBlob> {
  const { size, seed, directory } = options;
  await mkdir(directory, { recursive: true });
  const partial = join(directory, `partial-${seed}`);
  const pieces = new PieceHasher(pieceLayoutOf(size).pieceLength);
  const hash = createHash("sha256");
  const file = await open(partial, "wx");
  try {
    for (const chunk of randomChunks(size, seed)) {
      pieces.update(chunk);
      hash.update(chunk);
      await file.write(chunk);
    }
  } finally {
    await file.close();
  }
  const digest = digestFromHash(hash);
  const metainfo = createMetainfo({ digest, size, pieceHashes: pieces.digest() });
  const path = join(directory, digest);
  const torrentPath = `${path}.torrent`;
  await rename(partial, path);
  await writeFile(torrentPath, encodeMetainfo(metainfo));
  return { size, metainfo, directory, path, torrentPath };
}

function* randomChunks(size: number, seed: string): Generator<Buffer> {
  const key = createHash("sha256").update(seed).digest();
  const stream = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(chunkLength);
  for (let offset = 0; offset < size; offset += chunkLength) {
    yield stream.update(zeros.subarray(0, Math.min(chunkLength, size - offset)));
  }
}

/** The bytes of a blob in parts of 1 MiB. */
export async function* readSampleBlob({ path }: SampleBlob): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(path, { highWaterMark: chunkLength })) {
    yield chunk as Buffer;
  }
}

/** The digest of a file's bytes. */
export async function digestOfFile(path: string): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: chunkLength })) {
    hash.update(chunk as Buffer);
  }
  return digestFromHash(hash);
}
