import { createHash } from "node:crypto";

import { type Digest, digestOf } from "../digest.ts";
import { type Metainfo, createMetainfo } from "../metainfo.ts";
import { PieceHasher } from "../piece-hasher.ts";
import { pieceLayoutOf } from "../piece-layout.ts";

/** A blob for tests and what describes it. */
export interface BlobFixture {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly metainfo: Metainfo;
}

/** A blob of `size` bytes that look random and follow from `seed`, so that a failure repeats. */
export function blobFixture(size: number, seed = "blob"): BlobFixture {
  const parts: Buffer[] = [];
  for (let length = 0; length < size; length += 64) {
    parts.push(createHash("sha512").update(`${seed} ${length}`).digest());
  }
  return blobFixtureOf(Buffer.concat(parts, size));
}

/** Describes given bytes. */
export function blobFixtureOf(bytes: Buffer): BlobFixture {
  const digest = digestOf(bytes);
  const hasher = new PieceHasher(pieceLayoutOf(bytes.length).pieceLength);
  hasher.update(bytes);
  const metainfo = createMetainfo({ digest, size: bytes.length, pieceHashes: hasher.digest() });
  return { bytes, digest, metainfo };
}
