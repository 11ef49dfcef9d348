import { type TestContext } from "node:test";

import { type Digest, digestOf } from "../../digest.ts";
import type { Metainfo } from "../../metainfo.ts";
import type { BlobRecord, BlobStore, CommitOptions } from "../../ports/blob-store.ts";
import { blobFixture, blobFixtureOf } from "../blob-fixture.ts";

/** Makes an empty store that is disposed of after the test. */
export type OpenBlobStore = (t: TestContext) => Promise<BlobStore>;

/** What a commit says when a test does not care. */
export const plain: CommitOptions = { size: 0, labels: {}, provenance: "local", owned: true };

/** Bytes that are the same for the same seed. */
export function bytesOf(size: number, seed = 1): Buffer {
  return blobFixture(size, String(seed)).bytes;
}

/** The torrent of a blob. */
export function metainfoOf(bytes: Buffer): Metainfo {
  return blobFixtureOf(bytes).metainfo;
}

/** Writes a blob by an ingest of its own. */
export async function putBlob(
  store: BlobStore,
  blob: Uint8Array,
  options: Partial<CommitOptions> = {},
): Promise<BlobRecord> {
  const ingest = await store.openIngest(`put-${digestOf(blob)}`, { total: blob.byteLength });
  try {
    await ingest.write(blob);
    return await ingest.commit({ ...plain, ...options });
  } finally {
    await ingest.close();
  }
}

/** All bytes of a blob from `start` on. */
export async function readBlob(store: BlobStore, digest: Digest, start = 0): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const range = { start, end: Number.MAX_SAFE_INTEGER };
  const { signal } = new AbortController();
  for await (const chunk of store.read(digest, range, { signal })) chunks.push(chunk);
  return Buffer.concat(chunks);
}
