import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { type TestContext, test } from "node:test";

import { SystemClock } from "../system/system-clock.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { putBlob } from "../testing/blob-store/sample-blobs.ts";
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
