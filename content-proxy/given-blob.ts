import { open, rm } from "node:fs/promises";

import type { Digest } from "../core/digest.ts";
import { createMetainfo } from "../core/metainfo.ts";
import { PieceHasher } from "../core/piece-hasher.ts";
import { pieceLayoutOf } from "../core/piece-layout.ts";
import type { BlobArrivals, BlobRecord } from "../core/ports/blob-store.ts";

/**
 * Puts a small blob that came in one piece in its place, described as any other, so that peers can
 * have it from here.
 *
 * @param blob.content Checked against the digest already.
 * @throws {StorageFullError} and {BlobExistsError}
 */
export async function keepGivenBlob(
  { digest, content }: { readonly digest: Digest; readonly content: Uint8Array },
  store: Pick<BlobArrivals, "arrive" | "arrived">,
): Promise<BlobRecord> {
  const size = content.byteLength;
  const pieces = new PieceHasher(pieceLayoutOf(size).pieceLength);
  pieces.update(content);
  const metainfo = createMetainfo({ digest, size, pieceHashes: pieces.digest() });
  const { path } = await store.arrive({ digest, size });
  const file = await open(path, "r+");
  try {
    // Writes on where a full disk takes a part: a single write would leave the rest as zeros.
    await file.writeFile(content);
    await file.datasync();
  } catch (error) {
    // The next try would find the bytes in memory, and take them for what is on disk.
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return store.arrived(digest, metainfo);
}
