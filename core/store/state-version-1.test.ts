import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { SystemClock } from "../system/system-clock.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { testFolder } from "../testing/test-folder.ts";
import { DiskBlobStore } from "./disk-blob-store.ts";

/**
 * A store as the first version of the state wrote it. These files stay as they are: nodes have
 * such stores, and an upgrade must open them.
 */
const fixture = join(import.meta.dirname, "fixtures", "store-v1");

const pulled = blobFixture(300, "pulled");
const local = blobFixture(200, "local");
const promised = blobFixture(500, "promised");

async function openFixture(t: TestContext): Promise<DiskBlobStore> {
  const root = testFolder(t, "store-v1");
  await cp(fixture, root, { recursive: true });
  const deps = { root, clock: new SystemClock(), logger: new MemoryLogger() };
  const store = cleanUpOf(t).use(await DiskBlobStore.open(deps, t));
  return store;
}

test("whole blobs of a store of state version 1 are there with all that was known of them", async (t) => {
  const store = await openFixture(t);
  assert.deepEqual(store.find(pulled.digest), {
    ...{ digest: pulled.digest, size: 300, infoHash: pulled.metainfo.infoHash },
    ...{ provenance: "pull", owned: true, whole: true },
    labels: { "containerd.io/distribution.source.docker.io": "library/alpine" },
    createdAt: 1795290459575828324n,
    updatedAt: 1795290459575828324n,
  });
  const { labels, provenance, owned, whole } = store.find(local.digest) ?? {};
  assert.deepEqual(labels, { "containerd.io/gc.root": "2026-11-21" });
  assert.deepEqual([provenance, owned, whole], ["local", true, true]);
  for (const { bytes, digest, metainfo } of [pulled, local]) {
    assert.deepEqual(await readAll(store, digest, t), bytes);
    assert.deepEqual(await store.metainfo(digest), metainfo);
  }
});

test("a promise of a store of state version 1 is kept", async (t) => {
  const store = await openFixture(t);
  const record = store.find(promised.digest);
  assert.deepEqual([record?.size, record?.owned, record?.whole], [500, true, false]);
  assert.deepEqual([...store.arriving()], [promised.digest]);
  assert.deepEqual(await store.metainfo(promised.digest), promised.metainfo);
});

test("an ingest of a store of state version 1 goes on where it was", async (t) => {
  const store = await openFixture(t);
  const bytes = blobFixture(150, "under way").bytes;
  const [status] = store.ingests();
  assert.deepEqual([status?.ref, status?.offset, status?.total], ["layer-under-way", 150, 400]);
  const ingest = await store.openIngest("layer-under-way", { total: 400 });
  await ingest.write(Buffer.alloc(250, "x"));
  const whole = Buffer.concat([bytes, Buffer.alloc(250, "x")]);
  const options = { size: 400, labels: {}, provenance: "pull", owned: true } as const;
  const { digest } = await ingest.commit(options);
  await ingest.close();
  assert.deepEqual(await readAll(store, digest, t), whole);
});

async function readAll(
  store: DiskBlobStore,
  digest: Parameters<DiskBlobStore["find"]>[0],
  { signal }: TestContext,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const range = { start: 0, end: Number.MAX_SAFE_INTEGER };
  for await (const chunk of store.read(digest, range, { signal })) chunks.push(chunk);
  return Buffer.concat(chunks);
}
