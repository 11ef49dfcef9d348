import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";

import { digestOf } from "../../core/digest.ts";
import { createMetainfo, encodeMetainfo } from "../../core/metainfo.ts";
import { PieceHasher } from "../../core/piece-hasher.ts";
import { pieceLayoutOf } from "../../core/piece-layout.ts";
import { encodeRecord } from "../../core/store/blob-record-file.ts";
import { StoreLayout } from "../../core/store/store-layout.ts";

/** Blobs whose files are written at once. */
const batchCount = 64;

/** As long ago as blobs of a node may have come. */
const pulledAt = 1_700_000_000_000_000_000n;

/**
 * Adds blobs to a content proxy's store, as pulls would have left them, while the proxy does not
 * run. Nothing is synced: what is measured is what a daemon keeps of them.
 */
export async function addSeededBlobs(
  root: string,
  {
    count,
    sizeBytes,
    signal,
  }: { readonly count: number; readonly sizeBytes: number; readonly signal: AbortSignal },
): Promise<void> {
  const layout = new StoreLayout(root);
  layout.create();
  for (let first = 0; first < count; first += batchCount) {
    signal.throwIfAborted();
    const batch = Math.min(batchCount, count - first);
    await Promise.all(Array.from({ length: batch }, () => addBlob(layout, sizeBytes)));
  }
}

async function addBlob(layout: StoreLayout, size: number): Promise<void> {
  const bytes = randomBytes(size);
  const digest = digestOf(bytes);
  const hasher = new PieceHasher(pieceLayoutOf(size).pieceLength);
  hasher.update(bytes);
  const metainfo = createMetainfo({ digest, size, pieceHashes: hasher.digest() });
  const { infoHash } = metainfo;
  // containerd labels each layer with where it came from.
  const labels = { "containerd.io/distribution.source.registry.example": "library/application" };
  const record = encodeRecord({
    ...{ digest, size, infoHash, labels, createdAt: pulledAt, updatedAt: pulledAt },
    ...{ provenance: "pull", owned: true, whole: true },
  });
  await writeFile(layout.blob(digest), bytes, { mode: 0o444 });
  await writeFile(layout.metainfo(digest), encodeMetainfo(metainfo));
  await writeFile(layout.record(digest), record);
}
