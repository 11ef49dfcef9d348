import assert from "node:assert/strict";
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

const { bytes, digest } = blobFixture(300_000);
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
