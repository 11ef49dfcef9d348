import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { digestOf, hexOf } from "../digest.ts";
import {
  BlobNotFoundError,
  DataLossError,
  RefLockedError,
  StorageFullError,
  UnavailableError,
} from "../errors.ts";
import { createMetainfo } from "../metainfo.ts";
import type { BlobRecord, CommitOptions } from "../ports/blob-store.ts";
import { SystemClock } from "../system/system-clock.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { blobStoreConformance } from "../testing/blob-store/blob-store-conformance.ts";
import { putBlob, readBlob } from "../testing/blob-store/sample-blobs.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { SmallDisk, asRoot } from "../testing/small-disk.ts";
import { testFolder } from "../testing/test-folder.ts";
import { DiskBlobStore } from "./disk-blob-store.ts";
import { StoreLayout } from "./store-layout.ts";

/** A folder that stores are opened in, one after the other. All is gone after the test. */
class StoreRoot {
  readonly layout: StoreLayout;
  readonly logger = new MemoryLogger();
  readonly #t: TestContext;
  #store: DiskBlobStore | undefined;

  private constructor(t: TestContext, root: string) {
    this.#t = t;
    this.layout = new StoreLayout(root);
  }

  static async make(t: TestContext, path = testFolder(t, "store")): Promise<StoreRoot> {
    const root = new StoreRoot(t, path);
    cleanUpOf(t).defer(() => root.close());
    return root;
  }

  /** Closes the store that is open, and opens a new one. */
  async reopen(): Promise<DiskBlobStore> {
    await this.close();
    const clock = new SystemClock();
    const { root } = this.layout;
    this.#store = await DiskBlobStore.open({ root, clock, logger: this.logger }, this.#t);
    return this.#store;
  }

  async close(): Promise<void> {
    await this.#store?.[Symbol.asyncDispose]();
    this.#store = undefined;
  }

  /** Every file; the lock is none. */
  files(): string[] {
    return readdirSync(this.layout.root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.layout.root.length + 1))
      .toSorted();
  }
}

const blob = blobFixture(300_000);
const { digest, metainfo } = blob;
const hex = hexOf(digest);
const pull: Partial<CommitOptions> = { provenance: "pull", labels: { a: "b" } };
const commit: CommitOptions = { size: 0, labels: {}, provenance: "local", owned: true };

blobStoreConformance("DiskBlobStore", async (t) => (await StoreRoot.make(t)).reopen());

test("files lie where containerd's own store has them, and beside it", async (t) => {
  const root = await StoreRoot.make(t);
  const store = await root.reopen();
  const { createdAt } = await putBlob(store, blob.bytes, pull);
  await root.close();
  assert.deepEqual(root.files(), [
    `blobs/sha256/${hex}`,
    `shoal/v1/metainfo/sha256/${hex}.torrent`,
    `shoal/v1/records/sha256/${hex}.json`,
  ]);
  const stat = statSync(root.layout.blob(digest), { bigint: true });
  assert.equal(stat.mode & 0o777n, 0o444n);
  // A double in seconds is all that the call takes.
  const offNs = createdAt - stat.mtimeNs;
  assert.ok(offNs >= 0n && offNs < 2_000_000n);
});

test("an ingest lies where containerd's own store would look for it", async (t) => {
  const root = await StoreRoot.make(t);
  const store = await root.reopen();
  const ingest = await store.openIngest("default/1/ref", { total: 20 });
  await ingest.write(Buffer.from("0123456789"));
  await ingest.close();
  await root.close();
  const folder = root.layout.ingest("default/1/ref");
  assert.ok(folder.endsWith(`ingest/${hexOf(digestOf(Buffer.from("default/1/ref")))}`));
  const text = (name: string) => readFileSync(join(folder, name), "utf8");
  assert.deepEqual(readdirSync(folder).toSorted(), [
    "data",
    "ref",
    "startedat",
    "total",
    "updatedat",
  ]);
  assert.equal(text("ref"), "default/1/ref");
  assert.equal(text("data"), "0123456789");
  assert.equal(text("total"), "20");
  assert.match(text("startedat"), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
});

test("a store that containerd made is taken over: its blobs are owned and only here", async (t) => {
  const root = await StoreRoot.make(t);
  mkdirSync(join(root.layout.root, "blobs", "sha256"), { recursive: true });
  writeFileSync(root.layout.blob(digest), blob.bytes);
  writeFileSync(join(root.layout.root, "blobs", "sha256", "README"), "no blob");
  mkdirSync(join(root.layout.root, "blobs", "sha256", hexOf(blobFixture(1).digest)));
  utimesSync(root.layout.blob(digest), 1_700_000_001.5, 1_700_000_000.25);
  const store = await root.reopen();
  const expected: BlobRecord = {
    digest,
    size: blob.bytes.length,
    createdAt: 1_700_000_000_250_000_000n,
    updatedAt: 1_700_000_001_500_000_000n,
    labels: {},
    provenance: "local",
    owned: true,
    whole: true,
  };
  assert.deepEqual([...store.records()], [expected]);
  assert.ok((await readBlob(store, digest)).equals(blob.bytes));
  assert.ok(existsSync(join(root.layout.root, "blobs", "sha256", "README")));
});

test("an ingest that containerd left is resumed", async (t) => {
  const root = await StoreRoot.make(t);
  const folder = root.layout.ingest("ref");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "ref"), "ref");
  writeFileSync(join(folder, "total"), String(blob.bytes.length));
  writeFileSync(join(folder, "startedat"), "2023-11-14T23:13:20.123456789+01:00");
  writeFileSync(join(folder, "updatedat"), "2023-11-14T22:13:21Z");
  writeFileSync(join(folder, "data"), blob.bytes.subarray(0, 150_000));
  utimesSync(join(folder, "data"), 1, 1);
  const store = await root.reopen();
  const ingest = await store.openIngest("ref", { total: blob.bytes.length });
  assert.deepEqual(ingest.status, {
    ref: "ref",
    offset: 150_000,
    total: blob.bytes.length,
    startedAt: 1_700_000_000_123_456_789n,
    updatedAt: 1_700_000_001_000_000_000n,
  });
  assert.equal(ingest.digest(), digestOf(blob.bytes.subarray(0, 150_000)));
  await ingest.write(blob.bytes.subarray(150_000));
  const record = await ingest.commit({ ...commit, expected: digest, provenance: "pull" });
  assert.equal(record.infoHash, metainfo.infoHash);
});

test("of an ingest the pieces that are here can be read along, also after a restart", async (t) => {
  const root = await StoreRoot.make(t);
  const before = await root.reopen();
  const size = blob.bytes.length;
  const { pieceLength } = metainfo.layout;
  const hashes = Buffer.from(metainfo.pieceHashes);
  const half = await before.openIngest("ref", { total: size });
  assert.equal(half.path, undefined);
  let taken = -1;
  const onTaken = () => (taken = readFileSync(half.path ?? "").length);
  await half.write(blob.bytes.subarray(0, pieceLength + 10), { onTaken });
  assert.equal(taken, pieceLength + 10);
  assert.deepEqual(Buffer.from(half.finishedPieces(0)), hashes.subarray(0, 20));
  assert.equal(half.finishedPieces(1).byteLength, 0);
  const ingest = await (await root.reopen()).openIngest("ref", { total: size });
  assert.deepEqual(Buffer.from(ingest.finishedPieces(0)), hashes.subarray(0, 20));
  await ingest.write(blob.bytes.subarray(pieceLength + 10));
  assert.deepEqual(Buffer.from(ingest.finishedPieces(0)), hashes);
  assert.deepEqual(Buffer.from(ingest.finishedPieces(1)), hashes.subarray(20));
  const { infoHash } = await ingest.commit({ ...commit, expected: digest, provenance: "pull" });
  assert.equal(infoHash, metainfo.infoHash);
});

test("records, metainfo and ingests are the same after a restart, to the nanosecond", async (t) => {
  const root = await StoreRoot.make(t);
  const before = await root.reopen();
  await putBlob(before, blob.bytes, pull);
  const local = await putBlob(before, blobFixture(10).bytes);
  await before.label(local.digest, { c: "d" });
  const cached = await putBlob(before, blobFixture(20).bytes, pull);
  await before.disown(cached.digest);
  const ingest = await before.openIngest("ref", { total: 50 });
  await ingest.write(Buffer.alloc(30));
  const byDigest = (one: BlobRecord, other: BlobRecord) => (one.digest < other.digest ? -1 : 1);
  const records = [...before.records()].toSorted(byDigest);
  const ingests = [...before.ingests()];
  const after = await root.reopen();
  assert.deepEqual([...after.records()].toSorted(byDigest), records);
  assert.deepEqual([...after.ingests()], ingests);
  assert.deepEqual(await after.metainfo(digest), metainfo);
  const resumed = await after.openIngest("ref", { total: 50 });
  assert.deepEqual(resumed.status, ingests[0]);
  assert.equal(resumed.digest(), digestOf(Buffer.alloc(30)));
});

test("the time of an ingest is the same after a restart if our clock is behind the disk's", async (t) => {
  const root = await StoreRoot.make(t);
  const deps = { root: root.layout.root, clock: new ManualClock(), logger: root.logger };
  const before = await DiskBlobStore.open(deps, t);
  const ingest = await before.openIngest("ref", { total: 0 });
  await ingest.write(blob.bytes);
  const { status } = ingest;
  await before[Symbol.asyncDispose]();
  assert.deepEqual((await root.reopen()).ingestStatus("ref"), status);
});

test("a promise survives a restart, and so does what arrived of it", async (t) => {
  const root = await StoreRoot.make(t);
  const before = await root.reopen();
  const { path } = await before.arrive(metainfo);
  writeFileSync(path, blob.bytes.subarray(0, 1000), { flag: "r+" });
  const promised = await before.promise(digest, blob.bytes.length);
  const other = blobFixture(200_000, "other").metainfo;
  await before.arrive(other);
  const after = await root.reopen();
  assert.deepEqual([...after.records()], [promised]);
  assert.deepEqual(new Set(after.arriving()), new Set([digest, other.digest]));
  assert.equal((await after.arrive(metainfo)).path, path);
  assert.ok(readFileSync(path).subarray(0, 1000).equals(blob.bytes.subarray(0, 1000)));
  writeFileSync(path, blob.bytes, { flag: "r+" });
  assert.equal((await after.arrived(digest)).owned, true);
});

test("a blob without metainfo goes on after a restart if it was promised, and else is gone", async (t) => {
  const root = await StoreRoot.make(t);
  const before = await root.reopen();
  const { path } = await before.arrive({ digest, size: blob.bytes.length });
  writeFileSync(path, blob.bytes.subarray(0, 1000), { flag: "r+" });
  const promised = await before.promise(digest, blob.bytes.length);
  const other = blobFixture(200_000, "other");
  const { path: otherPath } = await before.arrive({ digest: other.digest, size: 200_000 });
  const after = await root.reopen();
  assert.deepEqual([...after.records()], [promised]);
  assert.deepEqual([...after.arriving()], [digest]);
  assert.equal(existsSync(otherPath), false);
  assert.equal((await after.arrive(metainfo)).path, path);
  assert.ok(readFileSync(path).subarray(0, 1000).equals(blob.bytes.subarray(0, 1000)));
  writeFileSync(path, blob.bytes, { flag: "r+" });
  assert.equal((await after.arrived(digest)).infoHash, metainfo.infoHash);
});

test("what was anticipated is owned after a crash, and after a commit as it was told", async (t) => {
  const root = await StoreRoot.make(t);
  const before = await root.reopen();
  await before.arrive(metainfo);
  await before.anticipate(digest);
  const written = blobFixture(20_000, "written");
  const ingest = await before.openIngest("ref", { total: 20_000 });
  await ingest.write(written.bytes);
  await ingest.prepare(written.digest);
  const after = await root.reopen();
  for (const [each, whole] of [
    [digest, false],
    [written.digest, true],
  ] as const) {
    const record = after.find(each);
    assert.deepEqual([record?.owned, record?.whole], [true, whole]);
  }
  assert.deepEqual([...after.ingests()], []);
  await after.disown(written.digest);
  await after.anticipate(written.digest);
  const owned = await after.own(written.digest, {});
  assert.deepEqual((await root.reopen()).find(written.digest), owned);
});

test("a promise is kept even if what arrived is lost", async (t) => {
  const root = await StoreRoot.make(t);
  const before = await root.reopen();
  const { path } = await before.arrive(metainfo);
  const promised = await before.promise(digest, blob.bytes.length);
  await root.close();
  rmSync(path);
  const after = await root.reopen();
  assert.deepEqual([...after.records()], [promised]);
  assert.deepEqual([...after.arriving()], [digest]);
});

test("other metainfo may take the place of the one a promise was made with", async (t) => {
  const root = await StoreRoot.make(t);
  const store = await root.reopen();
  const pieceHashes = Buffer.alloc(metainfo.pieceHashes.length);
  const wrong = createMetainfo({ digest, size: blob.bytes.length, pieceHashes });
  await store.arrive(wrong);
  await store.promise(digest, blob.bytes.length);
  await store.arrive(metainfo);
  assert.equal(store.find(digest)?.infoHash, metainfo.infoHash);
  assert.deepEqual(await (await root.reopen()).metainfo(digest), metainfo);
});

test("what a killed process left half done is finished or swept", async (t) => {
  const root = await StoreRoot.make(t);
  const { layout } = root;
  const before = await root.reopen();
  await putBlob(before, blob.bytes, pull);
  await root.close();
  const kept = root.files();
  writeFileSync(`${layout.record(digest)}.tmp`, "half");
  writeFileSync(`${layout.metainfo(digest)}.tmp`, "half");
  const gone = blobFixture(10, "gone").digest;
  const local = readFileSync(layout.record(digest), "utf8").replace('"pull"', '"local"');
  writeFileSync(layout.record(gone), local);
  writeFileSync(layout.metainfo(gone), "left over");
  writeFileSync(layout.arriving(gone), "without metainfo");
  writeFileSync(layout.arriving(digest), "is whole already");
  mkdirSync(layout.ingest("half"));
  writeFileSync(join(layout.ingest("half"), "ref"), "half");
  mkdirSync(layout.ingest("named otherwise"));
  for (const name of ["ref", "data", "startedat", "updatedat"]) {
    writeFileSync(join(layout.ingest("named otherwise"), name), "2023-11-14T22:13:20Z");
  }
  const after = await root.reopen();
  assert.deepEqual([...after.records()].length, 1);
  assert.deepEqual([...after.ingests()], []);
  assert.deepEqual([...after.arriving()], []);
  await root.close();
  assert.deepEqual(root.files(), kept);
});

test("a file that was moved but not noted counts as whole, one that was noted but not moved does not", async (t) => {
  const root = await StoreRoot.make(t);
  const { layout } = root;
  const before = await root.reopen();
  await before.arrive(metainfo);
  await before.promise(digest, blob.bytes.length);
  await root.close();
  const promised = readFileSync(layout.record(digest), "utf8");
  writeFileSync(layout.record(digest), promised.replace('"whole":false', '"whole":true'));
  assert.equal((await root.reopen()).find(digest)?.whole, false);
  await root.close();
  writeFileSync(layout.record(digest), promised);
  rmSync(layout.arriving(digest));
  writeFileSync(layout.blob(digest), blob.bytes);
  const record = (await root.reopen()).find(digest);
  assert.equal(record?.whole, true);
  assert.equal(record.provenance, "pull");
});

test("a blob whose record is damaged or lost is owned and only here; one without metainfo has no info hash", async (t) => {
  const root = await StoreRoot.make(t);
  await putBlob(await root.reopen(), blob.bytes, pull);
  await root.close();
  rmSync(root.layout.metainfo(digest));
  const record = (await root.reopen()).find(digest);
  assert.equal(record?.provenance, "pull");
  assert.equal(record.infoHash, undefined);
  for (const damaged of ["", "{", "{}", "\0\0\0\0", '{"size":-1}']) {
    await root.close();
    writeFileSync(root.layout.record(digest), damaged);
    const { provenance, owned } = (await root.reopen()).find(digest) ?? {};
    assert.deepEqual({ provenance, owned }, { provenance: "local", owned: true });
  }
});

test("a blob that is shorter than it was is set aside and told of", async (t) => {
  const root = await StoreRoot.make(t);
  await putBlob(await root.reopen(), blob.bytes);
  await root.close();
  chmodSync(root.layout.blob(digest), 0o600);
  truncateSync(root.layout.blob(digest), 1000);
  const store = await root.reopen();
  assert.equal(store.find(digest), undefined);
  assert.equal(statSync(join(root.layout.damaged, digest)).size, 1000);
  assert.deepEqual(
    root.logger.lines.map(({ level }) => level),
    ["error"],
  );
});

test("an owned blob of a pull whose file is lost or damaged is promised again", async (t) => {
  for (const lose of [
    (path: string) => rmSync(path),
    (path: string) => {
      chmodSync(path, 0o600);
      truncateSync(path, 1000);
    },
  ]) {
    const root = await StoreRoot.make(t);
    await putBlob(await root.reopen(), blob.bytes, { ...pull, labels: { a: "b" } });
    await root.close();
    lose(root.layout.blob(digest));
    const store = await root.reopen();
    const { owned, whole, labels, infoHash } = store.find(digest) ?? {};
    assert.deepEqual({ owned, whole, labels }, { owned: true, whole: false, labels: { a: "b" } });
    assert.equal(infoHash, (await store.metainfo(digest)).infoHash);
    assert.deepEqual([...store.arriving()], [digest]);
    assert.ok(root.logger.lines.some(({ level }) => level === "error"));
    const { path } = await store.arrive(metainfo);
    writeFileSync(path, blob.bytes);
    assert.equal((await store.arrived(digest)).whole, true);
    assert.deepEqual(await readBlob(store, digest), blob.bytes);
  }
});

test("a blob that was noted and not moved out of its ingest is still an ingest", async (t) => {
  const root = await StoreRoot.make(t);
  const before = await root.reopen();
  await putBlob(before, blob.bytes, pull);
  const ref = `default/1/layer-${digest}`;
  const ingest = await before.openIngest(ref, { total: blob.bytes.length });
  await ingest.write(blob.bytes);
  await ingest.close();
  await root.close();
  rmSync(root.layout.blob(digest));
  const store = await root.reopen();
  assert.equal(store.find(digest), undefined);
  assert.equal(store.ingestStatus(ref).offset, blob.bytes.length);
});

test("a blob whose file is lost and that is only here, or not owned, is gone", async (t) => {
  for (const options of [undefined, { ...pull, owned: false }]) {
    const root = await StoreRoot.make(t);
    await putBlob(await root.reopen(), blob.bytes, options);
    await root.close();
    rmSync(root.layout.blob(digest));
    const store = await root.reopen();
    assert.equal(store.find(digest), undefined);
    assert.deepEqual([...store.arriving()], []);
  }
});

test("settle() asks the disk for all that a cached blob relies on", async (t) => {
  const root = await StoreRoot.make(t);
  const store = await root.reopen();
  await store.settle(digest);
  await putBlob(store, blob.bytes, { ...pull, owned: false });
  await store.settle(digest);
  for (const path of [root.layout.metainfo(digest), root.layout.record(digest)]) {
    rmSync(path);
    await assert.rejects(store.settle(digest), { code: "ENOENT" });
  }
});

test("metainfo that is empty after the machine went down is none", async (t) => {
  const root = await StoreRoot.make(t);
  await putBlob(await root.reopen(), blob.bytes, { ...pull, owned: false });
  await root.close();
  truncateSync(root.layout.metainfo(digest), 0);
  const store = await root.reopen();
  assert.deepEqual([store.find(digest)?.whole, store.find(digest)?.infoHash], [true, undefined]);
  assert.equal(existsSync(root.layout.metainfo(digest)), false);
});

test("a blob that loses bytes or its file while the store is open is told of", async (t) => {
  const root = await StoreRoot.make(t);
  const store = await root.reopen();
  await putBlob(store, blob.bytes);
  const file = await store.open(digest);
  chmodSync(root.layout.blob(digest), 0o600);
  truncateSync(root.layout.blob(digest), 1000);
  await assert.rejects(readBlob(store, digest), DataLossError);
  await file[Symbol.asyncDispose]();
  const other = await putBlob(store, blobFixture(10).bytes);
  rmSync(root.layout.blob(other.digest));
  await assert.rejects(readBlob(store, other.digest), BlobNotFoundError);
});

test("bytes that an ingest's file lost are noticed at commit", async (t) => {
  const root = await StoreRoot.make(t);
  const store = await root.reopen();
  const ingest = await store.openIngest("ref", { total: 0 });
  await ingest.write(blob.bytes);
  truncateSync(join(root.layout.ingest("ref"), "data"), 10);
  await assert.rejects(ingest.commit(commit), DataLossError);
});

test("only one store is open in a root", async (t) => {
  const root = await StoreRoot.make(t);
  await root.reopen();
  const deps = { root: root.layout.root, clock: new SystemClock(), logger: root.logger };
  await assert.rejects(DiskBlobStore.open(deps, t), UnavailableError);
  await root.reopen();
});

test("an open that was given up does nothing", async (t) => {
  const root = await StoreRoot.make(t);
  const deps = { root: root.layout.root, clock: new SystemClock(), logger: root.logger };
  await assert.rejects(DiskBlobStore.open(deps, { signal: AbortSignal.abort() }), /abort/i);
  assert.deepEqual(root.files(), []);
});

test("an ingest that is aborted while it is opened again is locked, not lost", async (t) => {
  const root = await StoreRoot.make(t);
  const before = await root.reopen();
  await (await before.openIngest("ref", { total: 0 })).write(blob.bytes);
  const after = await root.reopen();
  const opening = after.openIngest("ref", { total: 0 });
  const outcome = assert.rejects(opening, RefLockedError);
  // The open gets as far as the file, which no promise that is kept already stands for.
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await after.abortIngest("ref");
  await outcome;
  assert.equal((await after.openIngest("ref", { total: 0 })).status.offset, 0);
});

test(
  "a full disk is told of, harms nothing, and is forgotten when there is room",
  asRoot,
  async (t) => {
    const disk = new SmallDisk(t);
    const root = await StoreRoot.make(t, disk.root);
    const store = await root.reopen();
    await putBlob(store, blob.bytes, pull);
    const ingest = await store.openIngest("ref", { total: 0 });
    const part = blobFixture(3 * 1024 * 1024, "part").bytes;
    await ingest.write(part);
    await assert.rejects(ingest.write(part), StorageFullError);
    const { offset } = ingest.status;
    assert.ok(offset >= part.length);
    const sofar = Buffer.concat([part, part]).subarray(0, offset);
    assert.equal(ingest.digest(), digestOf(sofar));
    const huge = blobFixture(8 * 1024 * 1024, "huge").metainfo;
    await assert.rejects(store.arrive(huge), StorageFullError);
    assert.deepEqual([...store.arriving()], []);
    disk.fill();
    await assert.rejects(store.label(digest, { a: "x".repeat(5000) }), StorageFullError);
    assert.deepEqual(store.find(digest)?.labels, { a: "b" });
    const another = await store.openIngest("another", { total: 0 });
    await assert.rejects(another.write(part), StorageFullError);
    await another.close();
    disk.clear();
    const record = await ingest.commit(commit);
    assert.equal(record.digest, digestOf(sofar));
    const after = await root.reopen();
    assert.ok((await readBlob(after, digest)).equals(blob.bytes));
    assert.ok((await readBlob(after, record.digest)).equals(sofar));
  },
);

test("a promise that was prepared is on disk also when the blob could not be published in between", async (t) => {
  const root = await StoreRoot.make(t);
  const store = await root.reopen();
  const { path } = await store.arrive(metainfo);
  await store.anticipate(digest);
  writeFileSync(path, blob.bytes);
  const obstacle = `${root.layout.record(digest)}.tmp`;
  mkdirSync(obstacle);
  await assert.rejects(store.arrived(digest));
  rmSync(obstacle, { recursive: true });
  await store.promise(digest, blob.bytes.length);
  assert.ok(existsSync(root.layout.record(digest)));
});

test("a large ingest of an earlier process is refused until it was read again, and not for ever", async (t) => {
  const root = await StoreRoot.make(t);
  const before = await root.reopen();
  const bytes = Buffer.alloc(17 * 1024 * 1024, "large");
  for (const ref of ["one", "two"]) {
    const ingest = await before.openIngest(ref, { total: 2 * bytes.length });
    await ingest.write(bytes);
    await ingest.close();
  }
  // They are read again one after the other; the second one will not be there.
  const [first] = readdirSync(root.layout.ingests);
  const isOneFirst = root.layout.ingest("one").endsWith(first ?? "none");
  const [good, lost] = isOneFirst ? (["one", "two"] as const) : (["two", "one"] as const);
  const store = await root.reopen();
  rmSync(join(root.layout.ingest(lost), "data"));
  await assert.rejects(store.openIngest(good, { total: 0 }), RefLockedError);
  assert.equal(await offsetOnceOpen(store, good), bytes.length);
  assert.equal(await offsetOnceOpen(store, lost), 0);
});

/** Opens an ingest as containerd does, again and again until it may. */
async function offsetOnceOpen(store: DiskBlobStore, ref: string): Promise<number> {
  for (;;) {
    const ingest = await store.openIngest(ref, { total: 0 }).catch((error: unknown) => {
      assert.ok(error instanceof RefLockedError);
    });
    await new Promise((resolve) => setImmediate(resolve));
    if (!ingest) continue;
    await ingest.close();
    return ingest.status.offset;
  }
}
