import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { type TestContext, test } from "node:test";

import { IngestNotFoundError } from "../errors.ts";
import type { Ingest } from "../ports/blob-store.ts";
import { SystemClock } from "../system/system-clock.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { plain, putBlob, readBlob } from "../testing/blob-store/sample-blobs.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { SmallDisk, asRoot } from "../testing/small-disk.ts";
import { DiskBlobStore } from "./disk-blob-store.ts";

const blob = blobFixture(300_000);
const { digest } = blob;

/** A store on a disk of its own. */
async function openStore(t: TestContext): Promise<{ disk: SmallDisk; store: DiskBlobStore }> {
  const disk = new SmallDisk(t);
  const deps = { root: disk.root, clock: new SystemClock(), logger: new MemoryLogger() };
  const store = await DiskBlobStore.open(deps, t);
  cleanUpOf(t).use(store);
  return { disk, store };
}

test(
  "what containerd deletes on a full disk is deleted, for nothing can be noted",
  asRoot,
  async (t) => {
    const { disk, store } = await openStore(t);
    await putBlob(store, blob.bytes, { provenance: "pull" });
    disk.fill();
    await store.disown(digest);
    assert.equal(store.find(digest), undefined);
    assert.equal(existsSync(store.placeOf(digest)), false);
  },
);

test(
  "a write that waited for room leaves alone what another one has begun under its ref meanwhile",
  asRoot,
  async (t) => {
    const { disk, store } = await openStore(t);
    const first = await store.openIngest("ref", { total: blob.bytes.length });
    disk.fill();
    const second = Promise.withResolvers<Ingest>();
    store.whenFull(async () => {
      disk.clear();
      await store.abortIngest("ref");
      const ingest = await store.openIngest("ref", { total: blob.bytes.length });
      await ingest.write(blob.bytes);
      second.resolve(ingest);
    });
    await assert.rejects(first.write(blob.bytes), IngestNotFoundError);
    const ingest = await second.promise;
    await ingest.commit({ ...plain, size: blob.bytes.length });
    assert.deepEqual(await readBlob(store, digest), blob.bytes);
  },
);
