/**
 * Does all that changes a store, for ever, and tells what it has been told is done. Run by
 * kill.test.ts, which kills it. Arguments: the store's root and a seed.
 */
import { writeFileSync, writeSync } from "node:fs";
import { argv } from "node:process";

import type { Digest } from "../digest.ts";
import { SystemClock } from "../system/system-clock.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import { DiskBlobStore } from "./disk-blob-store.ts";

const [, , root = "", seed = ""] = argv;
const random = seededRandom(Number(seed));
const { signal } = new AbortController();
const deps = { root, clock: new SystemClock(), logger: new MemoryLogger() };
const store = await DiskBlobStore.open(deps, { signal });

/** Not console.log(): what was said must have been said when the process dies. */
function tell(verb: "owned" | "deleting" | "did", digest: Digest): void {
  writeSync(1, `${verb} ${digest}\n`);
}

async function writeBlob(name: string): Promise<void> {
  const { bytes, digest } = blobFixture(1 + Math.floor(random() * 200_000), name);
  const ingest = await store.openIngest(`blob-0-${name}`, { total: bytes.length });
  if (ingest.status.offset > 0) await ingest.truncate();
  await ingest.write(bytes);
  await ingest.commit({ size: 0, labels: {}, provenance: "pull", owned: true });
  await ingest.close();
  tell("owned", digest);
  if (random() < 0.3) {
    tell("deleting", digest);
    await store.disown(digest);
    if (random() < 0.5) await store.own(digest, { again: "yes" });
  }
  if (random() < 0.2) {
    tell("deleting", digest);
    await store.disown(digest);
    await store.evict(digest);
  }
}

async function receiveBlob(name: string): Promise<void> {
  const { bytes, digest, metainfo } = blobFixture(1 + Math.floor(random() * 200_000), name);
  const { path } = await store.arrive(metainfo);
  await store.promise(digest, bytes.length);
  tell("owned", digest);
  writeFileSync(path, bytes, { flag: "r+" });
  await store.arrived(digest);
  tell("did", digest);
}

/** Left unfinished; the bytes say which ingest they are of. */
async function writePart(filling: number): Promise<void> {
  const ingest = await store.openIngest(`part-${filling}`, { total: 100_000_000 });
  await ingest.write(Buffer.alloc(1 + Math.floor(random() * 100_000), filling));
  await ingest.close();
}

for (let count = 0; ; count++) {
  const name = `${seed}-${count}`;
  await Promise.all([writeBlob(`w${name}`), receiveBlob(`r${name}`), writePart(1 + (count % 5))]);
}
