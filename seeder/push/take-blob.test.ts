import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { KeyedLock } from "../../core/async/keyed-lock.ts";
import { type Digest, digestOf } from "../../core/digest.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { DiskBlobStore } from "../../core/store/disk-blob-store.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { ManualClock } from "../../core/testing/manual-clock.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import { BlobsInUse } from "../blobs-in-use.ts";
import { bytesOf } from "../open-test-seeder.test-support.ts";
import { imageOf } from "./push-bench.test-support.ts";
import type { PushRecord } from "./push-record.ts";
import { linkBlob, takeBlob } from "./take-blob.ts";
import { takeManifest } from "./take-manifest.ts";

const place = { registry: "r.example", repository: "pond/fish" };
const layer = bytesOf(3000, "layer");

/** A queue that tells what of a push a power cut could have taken when its note was on disk. */
async function open(t: TestContext) {
  const root = testFolder(t);
  const [clock, logger] = [new ManualClock(), new MemoryLogger()];
  const store = cleanUpOf(t).use(await DiskBlobStore.open({ root, clock, logger }, t));
  const onDisk = new Set<Digest>();
  const settle = store.settle.bind(store);
  store.settle = async (digest) => {
    await settle(digest);
    onDisk.add(digest);
  };
  const unsafe: Digest[] = [];
  const add = async (...pushes: readonly PushRecord[]) => {
    for (const push of pushes) {
      const named = push.kind === "manifest" ? [...push.blobs, ...push.manifests] : [];
      const digests = [push.descriptor, ...named].map(({ digest }) => digest);
      unsafe.push(...digests.filter((digest) => !onDisk.has(digest)));
    }
  };
  const writer = {
    blobSize: async () => undefined,
    mountBlob: async () => false,
    hasManifest: async () => false,
  };
  const known = { add: () => undefined, find: () => undefined };
  const noWork = async () => undefined;
  const deps = {
    ...{ store, writer, known, queue: { add }, inUse: new BlobsInUse() },
    offering: { add: () => undefined },
    room: { hold: noWork, release: () => undefined },
    tags: { note: noWork, withdraw: noWork },
    tagLock: new KeyedLock<string>(),
  };
  const put = async (bytes: Buffer) => {
    const ingest = await store.openIngest(digestOf(bytes), { total: bytes.length });
    await ingest.write(bytes);
    const how = { labels: {}, provenance: "pull", owned: false } as const;
    return ingest.commit({ size: bytes.length, ...how });
  };
  return { deps, put, onDisk, unsafe };
}

test("bytes are on disk for good before the note that a registry is to get them", async (t) => {
  const { deps, put, onDisk, unsafe } = await open(t);
  const digest = digestOf(layer);
  await takeBlob(place, { ...deps, digest, finish: async () => put(layer) });
  onDisk.clear();
  await linkBlob(place, { ...deps, digest, signal: t.signal });
  onDisk.clear();
  const { bytes, config } = imageOf([layer]);
  await put(config);
  const upload = { ...place, name: { tag: "1" }, bytes, mediaType: mediaTypes.ociManifest };
  await takeManifest(upload, deps, t);
  assert.deepEqual(unsafe, []);
  assert.deepEqual(onDisk, new Set([digestOf(bytes), digestOf(config), digest]));
});
