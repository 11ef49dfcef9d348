import assert from "node:assert/strict";
import { readdir, readlink } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { UnavailableError } from "../core/errors.ts";
import { DiskBlobStore } from "../core/store/disk-blob-store.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { ManualClock } from "../core/testing/manual-clock.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { BlobArrival } from "./blob-arrival.ts";

const { bytes, digest, metainfo } = blobFixture(1_000_000);
const size = bytes.length;

/** An arrival, and an ingest of a real store that fills it. */
async function open(t: TestContext) {
  const root = testFolder(t);
  const deps = { root, clock: new ManualClock(), logger: new MemoryLogger() };
  const store = cleanUpOf(t).use(await DiskBlobStore.open(deps, t));
  const ingest = await store.openIngest(digest, { total: size });
  let unwanted = 0;
  const descriptor = { mediaType: "layer", digest, size };
  const arrival = new BlobArrival({ descriptor, registry: "r.example" }, () => unwanted++);
  const give = async (end: number, from: Buffer = bytes) => {
    const onTaken = () => arrival.grow(ingest);
    await ingest.write(from.subarray(ingest.status.offset, end), { onTaken });
    await arrival.begin(ingest);
  };
  const commit = async () => {
    const how = { labels: {}, provenance: "pull", owned: false } as const;
    await ingest.commit({ expected: digest, size, ...how });
    await ingest.close();
    arrival.end();
  };
  return { root, arrival, give, commit, unwanted: () => unwanted };
}

async function read(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function openFilesIn(folder: string): Promise<string[]> {
  const links = await Promise.all(
    (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
  );
  return links.filter((path) => path.startsWith(folder) && path.includes("/blobs/"));
}

test("a hundred readers have all of it, each in small parts and at its own pace", async (t) => {
  const { arrival, give, commit } = await open(t);
  const hold = arrival.hold();
  await give(400_000);
  const slow = arrival.read({ start: 0, end: size }, t);
  const first = await slow.next();
  assert.ok(first.value && first.value.byteLength <= 128 * 1024);
  const readers = Array.from({ length: 100 }, (_, index) =>
    read(arrival.read({ start: index * 1000, end: size }, t)),
  );
  const hashes = read(arrival.pieceHashes(0, t));
  for (let end = 410_000; end < size; end += 30_000) await give(end);
  await give(size);
  for (const [index, reader] of readers.entries()) {
    assert.ok((await reader).equals(bytes.subarray(index * 1000)));
  }
  assert.deepEqual(await hashes, Buffer.from(metainfo.pieceHashes));
  await commit();
  // Who has not got far reads on, though the file has another name now.
  const rest = await read(slow);
  assert.ok(Buffer.concat([first.value, rest]).equals(bytes));
  hold[Symbol.dispose]();
});

test("its end is held back until all of it is the digest's", async (t) => {
  const { arrival, give } = await open(t);
  const hold = arrival.hold();
  const wrong = Buffer.from(bytes);
  wrong[0] = (wrong[0] ?? 0) ^ 1;
  await give(size, wrong);
  const read = arrival.read({ start: size - 10, end: size }, t);
  assert.equal((await read.next()).value?.byteLength, 9);
  const last = read.next();
  const { pieceCount } = metainfo.layout;
  const hashes = arrival.pieceHashes(pieceCount - 1, t).next();
  arrival.fail(new Error("it is another"));
  await assert.rejects(last, UnavailableError);
  await assert.rejects(hashes, UnavailableError);
  hold[Symbol.dispose]();
});

test("readers are told at once when it does not come, and can leave before", async (t) => {
  const { arrival, give } = await open(t);
  const hold = arrival.hold();
  const begun = arrival.begun(t);
  await give(1000);
  await begun;
  const leaving = new AbortController();
  const left = arrival.read({ start: 5000, end: 6000 }, leaving).next();
  leaving.abort(new Error("enough"));
  await assert.rejects(left, /enough/);
  const waiting = arrival.read({ start: 5000, end: 6000 }, t).next();
  const failure = new Error("the registry is gone");
  arrival.fail(failure);
  await assert.rejects(waiting, (error) => error instanceof Error && error.cause === failure);
  // Also of what is here.
  await assert.rejects(arrival.read({ start: 0, end: 10 }, t).next(), UnavailableError);
  await assert.rejects(arrival.begun(t), failure);
  hold[Symbol.dispose]();
});

test("it is unwanted when the last one leaves, but not when all of it is here", async (t) => {
  const { arrival, give, unwanted } = await open(t);
  const [one, other] = [arrival.hold(), arrival.hold()];
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  assert.equal(unwanted(), 0);
  other[Symbol.dispose]();
  assert.equal(unwanted(), 1);
  const last = arrival.hold();
  await give(size);
  last[Symbol.dispose]();
  assert.equal(unwanted(), 1);
});

test("its file is closed when it has ended and the last reader has left", async (t) => {
  const { root, arrival, give, commit } = await open(t);
  const hold = arrival.hold();
  await give(size);
  await commit();
  // The store, too, holds a file or folder for a moment.
  while ((await openFilesIn(root)).length !== 1) await turn();
  hold[Symbol.dispose]();
  while ((await openFilesIn(root)).length > 0) await turn();
});
