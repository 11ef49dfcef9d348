import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";

import { DataLossError } from "../errors.ts";
import type { CommitOptions } from "../ports/blob-store.ts";
import { SystemClock } from "../system/system-clock.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { readBlob } from "../testing/blob-store/sample-blobs.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { testFolder } from "../testing/test-folder.ts";
import { DiskBlobStore } from "./disk-blob-store.ts";
import { failNextSync } from "./failing-sync.test-support.ts";

const { bytes, digest, metainfo } = blobFixture(300_000);
const size = bytes.length;
const commit: CommitOptions = { size, labels: {}, provenance: "pull", owned: true };

async function openStore(t: TestContext): Promise<DiskBlobStore> {
  const root = testFolder(t, "failing");
  const deps = { root, clock: new SystemClock(), logger: new MemoryLogger() };
  return cleanUpOf(t).use(await DiskBlobStore.open(deps, t));
}

test("bytes that the disk could not take are not there for the next try", async (t) => {
  const store = await openStore(t);
  const ingest = await store.openIngest("ref", { total: size });
  await failNextSync(t, "file");
  await assert.rejects(ingest.write(bytes), DataLossError);
  await ingest.close();
  const again = await store.openIngest("ref", { total: size });
  assert.equal(again.status.offset, 0);
  await assert.rejects(again.commit(commit));
  await again.write(bytes);
  assert.equal((await again.commit(commit)).digest, digest);
  assert.deepEqual(await readBlob(store, digest), bytes);
});

test("a blob whose commit fails as the disk is waited for is here, and can be committed again", async (t) => {
  const store = await openStore(t);
  const ingest = await store.openIngest("ref", { total: size });
  await ingest.write(bytes);
  await failNextSync(t, "folder");
  await assert.rejects(ingest.commit(commit), DataLossError);
  const { whole, owned } = store.find(digest) ?? {};
  assert.deepEqual({ whole, owned }, { whole: true, owned: false });
  assert.equal((await ingest.commit(commit)).owned, true);
  assert.deepEqual(await readBlob(store, digest), bytes);
});

for (const publish of ["commit", "prepare"] as const) {
  test(`what is written after a ${publish} that failed so does not change the blob`, async (t) => {
    const store = await openStore(t);
    const ingest = await store.openIngest("ref", { total: size });
    await ingest.write(bytes);
    await failNextSync(t, "folder");
    const published = publish === "commit" ? ingest.commit(commit) : ingest.prepare(digest);
    await assert.rejects(published, DataLossError);
    await ingest.truncate();
    await ingest.write(Buffer.alloc(100));
    await ingest.close();
    assert.deepEqual(await readBlob(store, digest), bytes);
  });
}

test("a promised blob that arrives as the disk fails is whole, and still owned", async (t) => {
  const store = await openStore(t);
  const { path } = await store.arrive(metainfo);
  await store.promise(digest, size);
  writeFileSync(path, bytes);
  await failNextSync(t, "folder");
  await assert.rejects(store.arrived(digest), DataLossError);
  const { whole, owned } = store.find(digest) ?? {};
  assert.deepEqual({ whole, owned }, { whole: true, owned: true });
  assert.deepEqual([...store.arriving()], []);
  assert.deepEqual(await readBlob(store, digest), bytes);
});
