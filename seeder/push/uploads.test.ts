import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { digestOf } from "../../core/digest.ts";
import { StorageFullError } from "../../core/errors.ts";
import { DiskBlobStore } from "../../core/store/disk-blob-store.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { ManualClock } from "../../core/testing/manual-clock.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import { bytesOf } from "../open-test-seeder.test-support.ts";
import { type UploadPart, Uploads, type UploadsDeps } from "./uploads.ts";

const blob = bytesOf(300_000, "blob");
const place = { registry: "r.example", repository: "pond/fish" };

async function* chunksOf(bytes: Buffer) {
  for (let start = 0; start < bytes.length; start += 50_000) {
    yield bytes.subarray(start, start + 50_000);
  }
}

function partOf(bytes: Buffer, rest: Partial<UploadPart> = {}): UploadPart {
  return { chunks: chunksOf(bytes), start: undefined, length: undefined, ...rest };
}

async function open(t: TestContext) {
  const root = testFolder(t);
  const [clock, logger] = [new ManualClock(), new MemoryLogger()];
  const store = cleanUpOf(t).use(await DiskBlobStore.open({ root, clock, logger }, t));
  /** By the ref of an upload: how much room it has. */
  const rooms = new Map<string, number>();
  const check = (bytes: number) => {
    if (bytes > 1_000_000) throw new StorageFullError("Cannot");
  };
  const room: UploadsDeps["room"] = {
    check,
    hold: async (ref, bytes) => {
      check(bytes);
      rooms.set(ref, bytes);
    },
    remember: (ref, bytes) => void rooms.set(ref, bytes),
    release: (ref) => void rooms.delete(ref),
  };
  const uploadsOf = (changed: Partial<UploadsDeps> = {}) => {
    const limits = { uploadsMax: 10, uploadIdleMs: 1000 };
    const uploads = cleanUpOf(t).use(
      new Uploads({ store, room, clock, logger, ...limits, ...changed }),
    );
    return uploads;
  };
  return { store, clock, rooms, uploadsOf };
}

test("what was written before a disk is full stays, and the rest may come when it is not", async (t) => {
  const { store, uploadsOf } = await open(t);
  let room = 120_000;
  const full: UploadsDeps["store"] = {
    abortIngest: (ref) => store.abortIngest(ref),
    ingestStatus: (ref) => store.ingestStatus(ref),
    ingests: () => store.ingests(),
    openIngest: async (ref, options) => {
      const ingest = await store.openIngest(ref, options);
      const write = ingest.write.bind(ingest);
      ingest.write = async (chunk) => {
        room -= chunk.byteLength;
        if (room < 0) throw new StorageFullError("Cannot write to the store: the disk is full");
        await write(chunk);
      };
      return ingest;
    },
  };
  const uploads = uploadsOf({ store: full });
  const upload = uploads.begin(place);
  await assert.rejects(uploads.append(upload, partOf(blob)), StorageFullError);
  assert.equal(uploads.offset(upload), 100_000);
  room = Infinity;
  const part = partOf(blob.subarray(100_000));
  const record = await uploads.finish(upload, { digest: digestOf(blob), part, signal: t.signal });
  assert.equal(record.size, blob.length);
});

test("an upload has room for what came and no more, and gives it up at its end", async (t) => {
  const { rooms, uploadsOf } = await open(t);
  const uploads = uploadsOf();
  const upload = uploads.begin(place);
  await uploads.append(upload, partOf(blob.subarray(0, 100_000)));
  assert.deepEqual([...rooms.values()], [100_000]);
  const tooLong = partOf(blob, { length: 2_000_000 });
  await assert.rejects(uploads.append(upload, tooLong), StorageFullError);
  assert.deepEqual([...rooms.values()], [100_000]);
  await uploads.cancel(upload);
  assert.deepEqual([...rooms.values()], []);
});

test("an upload has its place from its begin on, and room for what came, not for what is told", async (t) => {
  const { rooms, uploadsOf } = await open(t);
  const uploads = uploadsOf();
  const upload = uploads.begin(place);
  assert.deepEqual([...rooms.values()], [0]);
  const came = Promise.withResolvers<undefined>();
  const more = Promise.withResolvers<undefined>();
  async function* slow() {
    came.resolve(undefined);
    await more.promise;
    yield blob;
  }
  const writing = uploads.append(upload, { ...partOf(blob), chunks: slow(), length: 900_000 });
  await came.promise;
  assert.deepEqual([...rooms.values()], [0]);
  more.resolve(undefined);
  await assert.rejects(writing, /size is/);
  assert.deepEqual([...rooms.values()], [blob.length]);
});

test("an upload that ends while bytes come for it has no room after that", async (t) => {
  const { rooms, uploadsOf } = await open(t);
  const uploads = uploadsOf();
  const upload = uploads.begin(place);
  async function* ended() {
    yield blob.subarray(0, 10);
    await uploads.cancel(upload);
    yield blob.subarray(10);
  }
  const writing = uploads.append(upload, partOf(blob, { chunks: ended() }));
  await assert.rejects(writing, { apiCode: "BLOB_UPLOAD_UNKNOWN" });
  assert.deepEqual([...rooms], []);
});

test("a client that sends next to nothing for long is not waited for", async (t) => {
  const { clock, uploadsOf } = await open(t);
  const uploads = uploadsOf();
  const upload = uploads.begin(place);
  async function* trickle() {
    for (const byte of blob) {
      clock.advance(50_000);
      yield Buffer.of(byte);
    }
  }
  const writing = uploads.append(upload, partOf(blob, { chunks: trickle() }));
  await assert.rejects(writing, { status: 408 });
  assert.equal(uploads.offset(upload), 11);
});

test("a part of another length than was said is refused", async (t) => {
  const { uploadsOf } = await open(t);
  const uploads = uploadsOf();
  for (const length of [299_999, 300_001]) {
    const upload = uploads.begin(place);
    await assert.rejects(uploads.append(upload, partOf(blob, { length })), /size is/);
  }
});

test("an upload that nobody goes on with ends, and one that is written to does not", async (t) => {
  const { store, clock, rooms, uploadsOf } = await open(t);
  const uploads = uploadsOf();
  const [idle, busy] = [uploads.begin(place), uploads.begin(place)];
  await uploads.append(idle, partOf(blob));
  const more = Promise.withResolvers<undefined>();
  async function* slow() {
    yield blob.subarray(0, 10);
    await more.promise;
    yield blob.subarray(10);
  }
  const writing = uploads.append(busy, partOf(blob, { chunks: slow() }));
  clock.advance(999);
  await uploads.sweep();
  assert.equal(uploads.size, 2);
  clock.advance(1);
  await uploads.sweep();
  assert.throws(() => uploads.offset(idle), { apiCode: "BLOB_UPLOAD_UNKNOWN" });
  more.resolve(undefined);
  assert.equal(await writing, blob.length);
  await uploads.cancel(busy);
  assert.deepEqual([...store.ingests(), ...rooms], []);
});

test("an upload without a byte ends after two minutes, one with a byte when it is idle", async (t) => {
  const { clock, uploadsOf } = await open(t);
  const uploads = uploadsOf({ uploadsMax: 2, uploadIdleMs: 3_600_000 });
  const begun = uploads.begin(place);
  await uploads.append(begun, partOf(blob.subarray(0, 1)));
  uploads.begin(place);
  assert.throws(() => uploads.begin(place), { apiCode: "TOOMANYREQUESTS" });
  clock.advance(119_999);
  await uploads.sweep();
  assert.equal(uploads.size, 2);
  clock.advance(1);
  await uploads.sweep();
  assert.equal(uploads.size, 1);
  assert.equal(uploads.offset(begun), 1);
});

test("one request at a time writes to an upload", async (t) => {
  const { uploadsOf } = await open(t);
  const uploads = uploadsOf();
  const upload = uploads.begin(place);
  const first = uploads.append(upload, partOf(blob));
  await assert.rejects(uploads.append(upload, partOf(blob)), { status: 409 });
  assert.equal(await first, blob.length);
});

test("uploads of an earlier process are found, whatever else is under way", async (t) => {
  const { store, clock, rooms, uploadsOf } = await open(t);
  const before = uploadsOf();
  const upload = before.begin(place);
  await before.append(upload, partOf(blob));
  for (const ref of [digestOf(blob), "push", "push-manifest x", "push a b c d"]) {
    const ingest = await store.openIngest(ref, { total: 0 });
    await ingest.write(Buffer.from("x"));
    await ingest.close();
  }
  rooms.clear();
  const uploads = uploadsOf();
  assert.equal(uploads.size, 1);
  assert.deepEqual(uploads.find(upload.id, place).registry, place.registry);
  assert.equal(uploads.offset(upload), blob.length);
  assert.deepEqual([...rooms.values()], [blob.length]);
  // Its time counts from when bytes came last.
  clock.advance(1000);
  await uploads.sweep();
  assert.equal(uploads.size, 0);
});
