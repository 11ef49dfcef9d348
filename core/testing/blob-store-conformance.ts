import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readSync, writeFileSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";

import { type Digest, digestFromHash, digestOf } from "../digest.ts";
import {
  BlobExistsError,
  BlobNotFoundError,
  BlobSizeError,
  DataLossError,
  DigestMismatchError,
  IngestNotFoundError,
  InvalidArgumentError,
  RefLockedError,
} from "../errors.ts";
import type { Metainfo } from "../metainfo.ts";
import type { BlobRecord, BlobStore, CommitOptions } from "../ports/blob-store.ts";
import { blobFixture, blobFixtureOf } from "./blob-fixture.ts";

/** Makes an empty store that is disposed of after the test. */
export type OpenBlobStore = (t: TestContext) => Promise<BlobStore>;

/** What a commit says when a test does not care. */
const plain: CommitOptions = { size: 0, labels: {}, provenance: "local", owned: true };

function bytesOf(size: number, seed = 1): Buffer {
  return blobFixture(size, String(seed)).bytes;
}

function metainfoOf(bytes: Buffer): Metainfo {
  return blobFixtureOf(bytes).metainfo;
}

/** Writes a blob by an ingest of its own. */
export async function putBlob(
  store: BlobStore,
  blob: Uint8Array,
  options: Partial<CommitOptions> = {},
): Promise<BlobRecord> {
  const ingest = await store.openIngest(`put-${digestOf(blob)}`, { total: blob.byteLength });
  try {
    await ingest.write(blob);
    return await ingest.commit({ ...plain, ...options });
  } finally {
    await ingest.close();
  }
}

/** All bytes of a blob from `start` on. */
export async function readBlob(store: BlobStore, digest: Digest, start = 0): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const range = { start, end: Number.MAX_SAFE_INTEGER };
  const { signal } = new AbortController();
  for await (const chunk of store.read(digest, range, { signal })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What every BlobStore must do. */
export function blobStoreConformance(name: string, open: OpenBlobStore): void {
  describe(name, () => {
    conformReader(open);
    conformIngest(open);
    conformRefs(open);
    conformCommit(open);
    conformArrivals(open);
    conformManager(open);
  });
}

function conformReader(open: OpenBlobStore): void {
  it("find() shows what was committed, and nothing before", async (t) => {
    const store = await open(t);
    const blob = bytesOf(1000);
    const ingest = await store.openIngest("ref", { total: 0 });
    await ingest.write(blob);
    assert.equal(store.find(digestOf(blob)), undefined);
    const record = await ingest.commit({ ...plain, labels: { a: "b" } });
    assert.deepEqual(store.find(digestOf(blob)), record);
    assert.deepEqual([...store.records()], [record]);
    assert.equal(record.size, 1000);
    assert.deepEqual(record.labels, { a: "b" });
    assert.equal(record.createdAt, record.updatedAt);
  });

  it("read() gives any part, in chunks of at most 1 MiB that are the caller's", async (t) => {
    const store = await open(t);
    const blob = bytesOf(2 * 1024 * 1024 + 5);
    const { digest } = await putBlob(store, blob);
    assert.ok((await readBlob(store, digest)).equals(blob));
    assert.ok((await readBlob(store, digest, 1_500_000)).equals(blob.subarray(1_500_000)));
    assert.equal((await readBlob(store, digest, blob.length)).length, 0);
    const { signal } = new AbortController();
    for await (const chunk of store.read(digest, { start: 0, end: blob.length }, { signal })) {
      assert.ok(chunk.byteLength <= 1024 * 1024);
      chunk.fill(0);
    }
    assert.ok((await readBlob(store, digest)).equals(blob));
  });

  it("read() stops when its signal is aborted", async (t) => {
    const store = await open(t);
    const { digest } = await putBlob(store, bytesOf(2 * 1024 * 1024));
    const abort = new AbortController();
    const reading = store.read(digest, { start: 0, end: 2 ** 30 }, abort);
    const chunks = reading[Symbol.asyncIterator]();
    await chunks.next();
    abort.abort();
    await assert.rejects(chunks.next(), { name: "AbortError" });
  });

  it("descriptorOf() and pathOf() lead to the bytes", async (t) => {
    const store = await open(t);
    const blob = bytesOf(5000);
    const { digest } = await putBlob(store, blob);
    const file = store.descriptorOf(digest);
    assert.equal(file?.size, blob.length);
    const bytes = Buffer.alloc(blob.length);
    readSync(file.fd, bytes, 0, bytes.length, 0);
    assert.ok(bytes.equals(blob));
    assert.equal(typeof store.pathOf(digest), "string");
  });

  it("an unknown blob is not found by any call", async (t) => {
    const store = await open(t);
    const digest = digestOf(bytesOf(3));
    assert.equal(store.find(digest), undefined);
    assert.equal(store.descriptorOf(digest), undefined);
    assert.throws(() => store.pathOf(digest), BlobNotFoundError);
    await assert.rejects(store.open(digest), BlobNotFoundError);
    await assert.rejects(readBlob(store, digest), BlobNotFoundError);
    await assert.rejects(store.metainfo(digest), BlobNotFoundError);
    await assert.rejects(store.label(digest, {}), BlobNotFoundError);
    await assert.rejects(store.own(digest, {}), BlobNotFoundError);
  });

  it("an open file stays readable when its blob is deleted", async (t) => {
    const store = await open(t);
    const blob = bytesOf(5000);
    const { digest } = await putBlob(store, blob);
    const file = await store.open(digest);
    await store.disown(digest);
    const bytes = Buffer.alloc(blob.length);
    readSync(file.fd, bytes, 0, bytes.length, 0);
    assert.ok(bytes.equals(blob));
    await file[Symbol.asyncDispose]();
    await file[Symbol.asyncDispose]();
  });
}

function conformIngest(open: OpenBlobStore): void {
  it("an ingest tells offset, digest and times after every write", async (t) => {
    const store = await open(t);
    const blob = bytesOf(300);
    const ingest = await store.openIngest("ref", { total: 300 });
    const { startedAt } = ingest.status;
    assert.equal(ingest.digest(), digestOf(new Uint8Array()));
    let updatedAt = ingest.status.updatedAt;
    assert.equal(updatedAt, startedAt);
    for (let end = 100; end <= 300; end += 100) {
      await ingest.write(blob.subarray(end - 100, end));
      assert.equal(ingest.digest(), digestOf(blob.subarray(0, end)));
      assert.equal(ingest.status.offset, end);
      assert.equal(ingest.status.startedAt, startedAt);
      assert.ok(ingest.status.updatedAt > updatedAt);
      updatedAt = ingest.status.updatedAt;
      assert.deepEqual(store.ingestStatus("ref"), ingest.status);
    }
  });

  it("a closed ingest goes on where it was, with its times", async (t) => {
    const store = await open(t);
    const blob = bytesOf(3_000_000);
    const first = await store.openIngest("ref", { total: blob.length });
    await first.write(blob.subarray(0, 1_234_567));
    const { status } = first;
    await first.close();
    assert.deepEqual(store.ingestStatus("ref"), status);
    const second = await store.openIngest("ref", { total: 0 });
    assert.deepEqual(second.status, status);
    assert.equal(second.digest(), digestOf(blob.subarray(0, 1_234_567)));
    await second.write(blob.subarray(1_234_567));
    const { digest } = await second.commit({ ...plain, expected: digestOf(blob) });
    assert.ok((await readBlob(store, digest)).equals(blob));
  });

  it("truncate() starts over", async (t) => {
    const store = await open(t);
    const ingest = await store.openIngest("ref", { total: 10 });
    await ingest.write(bytesOf(20));
    await ingest.truncate();
    assert.equal(ingest.status.offset, 0);
    assert.equal(ingest.digest(), digestOf(new Uint8Array()));
    const blob = bytesOf(10, 7);
    await ingest.write(blob);
    const record = await ingest.commit({ ...plain, provenance: "pull" });
    assert.ok((await readBlob(store, digestOf(blob))).equals(blob));
    assert.equal(record.infoHash, metainfoOf(blob).infoHash);
  });

  it("a total that differs from the stored one discards the bytes", async (t) => {
    const store = await open(t);
    const first = await store.openIngest("ref", { total: 10 });
    await first.write(bytesOf(5));
    await first.close();
    const second = await store.openIngest("ref", { total: 20 });
    assert.equal(second.status.offset, 0);
    assert.equal(second.status.total, 20);
    assert.equal(second.digest(), digestOf(new Uint8Array()));
  });

  it("expect() notes a size that was not known, and lets pieces be hashed", async (t) => {
    const store = await open(t);
    const blob = bytesOf(200_000);
    const ingest = await store.openIngest("ref", { total: 0 });
    ingest.expect(blob.length);
    assert.equal(ingest.status.total, blob.length);
    await ingest.write(blob);
    const { digest, infoHash } = await ingest.commit({ ...plain, provenance: "pull" });
    assert.equal(infoHash, metainfoOf(blob).infoHash);
    assert.deepEqual(await store.metainfo(digest), metainfoOf(blob));
  });

  it("hashPieces() makes up for a size that was not known, or was wrong", async (t) => {
    const store = await open(t);
    for (const [expected, seed] of [
      [0, 1],
      [150_000, 2],
      [200_000, 3],
    ] as const) {
      const blob = bytesOf(200_000, seed);
      const ingest = await store.openIngest(`ref-${seed}`, { total: 0 });
      ingest.expect(expected);
      await ingest.write(blob.subarray(0, 150_000));
      await ingest.write(blob.subarray(150_000));
      await ingest.hashPieces(t);
      const { digest } = await ingest.commit({ ...plain, provenance: "pull" });
      assert.deepEqual(await store.metainfo(digest), metainfoOf(blob));
    }
  });

  it("calls that overlap are done one after the other", async (t) => {
    const store = await open(t);
    const blob = bytesOf(2_500_000);
    const ingest = await store.openIngest("ref", { total: blob.length });
    const writes: Promise<void>[] = [];
    for (let start = 0; start < blob.length; start += 100_000) {
      writes.push(ingest.write(blob.subarray(start, start + 100_000)));
    }
    const record = await ingest.commit(plain);
    await Promise.all(writes);
    assert.equal(record.digest, digestOf(blob));
  });
}

function conformRefs(open: OpenBlobStore): void {
  it("a ref is one writer's until it closes", async (t) => {
    const store = await open(t);
    const first = await store.openIngest("ref", { total: 0 });
    await assert.rejects(store.openIngest("ref", { total: 0 }), RefLockedError);
    const closing = first.close();
    const second = await store.openIngest("ref", { total: 0 });
    await closing;
    await first.close();
    await assert.rejects(store.openIngest("ref", { total: 0 }), RefLockedError);
    await second.close();
  });

  it("two opens at the same time: one gets the ref", async (t) => {
    const store = await open(t);
    const opens = [1, 2].map(() => store.openIngest("ref", { total: 0 }));
    const results = await Promise.allSettled(opens);
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  });

  it("a ref may be any text but an empty or an endless one", async (t) => {
    const store = await open(t);
    const refs = ["../../x", "a/b\0c", "ns/1/layer-sha256:00", "é\n", " ", "x".repeat(10_000)];
    for (const ref of refs) await (await store.openIngest(ref, { total: 0 })).close();
    const known = [...store.ingests()].map(({ ref }) => ref);
    assert.deepEqual(known.toSorted(), refs.toSorted());
    for (const ref of ["", "x".repeat(100_000)]) {
      await assert.rejects(store.openIngest(ref, { total: 0 }), InvalidArgumentError);
    }
  });

  it("abortIngest() deletes an ingest, and orphans who has it open", async (t) => {
    const store = await open(t);
    const orphan = await store.openIngest("ref", { total: 0 });
    await orphan.write(bytesOf(10));
    await store.abortIngest("ref");
    await store.abortIngest("ref");
    assert.throws(() => store.ingestStatus("ref"), IngestNotFoundError);
    assert.deepEqual([...store.ingests()], []);
    const next = await store.openIngest("ref", { total: 0 });
    await next.write(bytesOf(7));
    await assert.rejects(orphan.write(bytesOf(1)), IngestNotFoundError);
    await assert.rejects(orphan.truncate(), IngestNotFoundError);
    await assert.rejects(orphan.commit(plain), IngestNotFoundError);
    await orphan.close();
    assert.equal(store.ingestStatus("ref").offset, 7);
    await assert.rejects(store.openIngest("ref", { total: 0 }), RefLockedError);
    assert.equal((await next.commit(plain)).size, 7);
  });
}

function conformCommit(open: OpenBlobStore): void {
  it("commit() ends the ingest and frees the ref", async (t) => {
    const store = await open(t);
    const ingest = await store.openIngest("ref", { total: 0 });
    await ingest.commit(plain);
    assert.throws(() => store.ingestStatus("ref"), IngestNotFoundError);
    await assert.rejects(ingest.write(bytesOf(1)), IngestNotFoundError);
    assert.equal((await store.openIngest("ref", { total: 0 })).status.offset, 0);
  });

  it("commit() of a wrong size or digest keeps the ingest", async (t) => {
    const store = await open(t);
    const blob = bytesOf(100);
    const ingest = await store.openIngest("ref", { total: 100 });
    await ingest.write(blob);
    await assert.rejects(ingest.commit({ ...plain, size: 99 }), BlobSizeError);
    const expected = digestOf(bytesOf(1));
    await assert.rejects(ingest.commit({ ...plain, expected }), DigestMismatchError);
    const sha512 = digestFromHash(createHash("sha512"), "sha512");
    await assert.rejects(ingest.commit({ ...plain, expected: sha512 }), DigestMismatchError);
    assert.equal(store.ingestStatus("ref").offset, 100);
    await ingest.commit({ ...plain, size: 100, expected: digestOf(blob) });
  });

  it("commit() under another algorithm's digest hashes by it", async (t) => {
    const store = await open(t);
    const blob = bytesOf(1_500_000);
    const expected = digestFromHash(createHash("sha512").update(blob), "sha512");
    const record = await putBlob(store, blob, { expected });
    assert.equal(record.digest, expected);
    assert.ok((await readBlob(store, expected)).equals(blob));
  });

  it("commit() of an owned blob drops the ingest", async (t) => {
    const store = await open(t);
    const blob = bytesOf(100);
    await putBlob(store, blob);
    const ingest = await store.openIngest("again", { total: 0 });
    await ingest.write(blob);
    await assert.rejects(ingest.commit(plain), BlobExistsError);
    assert.deepEqual([...store.ingests()], []);
    await (await store.openIngest("again", { total: 0 })).close();
  });

  it("of two commits of one blob at the same time one is first", async (t) => {
    const store = await open(t);
    const blob = bytesOf(100);
    const ingests = [
      await store.openIngest("one", { total: 100 }),
      await store.openIngest("two", { total: 100 }),
    ];
    for (const ingest of ingests) await ingest.write(blob);
    const results = await Promise.allSettled(ingests.map((ingest) => ingest.commit(plain)));
    assert.deepEqual(results.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
  });

  it("commit() of a cached blob makes it owned, and keeps how it came", async (t) => {
    const store = await open(t);
    const blob = bytesOf(100);
    const { digest, infoHash } = await putBlob(store, blob, { provenance: "pull" });
    await store.disown(digest);
    const record = await putBlob(store, blob, { labels: { new: "yes" } });
    const { owned, whole, provenance, labels } = record;
    assert.deepEqual(
      { owned, whole, provenance, labels, infoHash: record.infoHash },
      { owned: true, whole: true, provenance: "pull", labels: { new: "yes" }, infoHash },
    );
  });

  it("prepare() makes the bytes a cached blob, which commit() only has to give away", async (t) => {
    const store = await open(t);
    const blob = bytesOf(300_000);
    const digest = digestOf(blob);
    const ingest = await store.openIngest("ref", { total: blob.length });
    await ingest.write(blob);
    await ingest.prepare(digestOf(bytesOf(1)));
    assert.equal(store.find(digest), undefined);
    const { status } = ingest;
    await ingest.prepare(digest);
    await ingest.prepare(digest);
    assert.equal(store.find(digest)?.owned, false);
    assert.deepEqual(store.ingestStatus("ref"), status);
    await assert.rejects(ingest.write(bytesOf(1)), BlobSizeError);
    const expected = digestOf(bytesOf(1));
    await assert.rejects(ingest.commit({ ...plain, expected }), DigestMismatchError);
    await ingest.close();
    const resumed = await store.openIngest("ref", { total: blob.length });
    assert.deepEqual(resumed.status, status);
    assert.equal(resumed.digest(), digest);
    const before = store.find(digest)?.createdAt ?? 0n;
    const record = await resumed.commit({ ...plain, provenance: "pull", expected: digest });
    assert.deepEqual(store.find(digest), record);
    assert.ok(record.createdAt > before);
    assert.equal(record.owned, true);
    assert.equal(record.provenance, "pull");
    assert.deepEqual(await store.metainfo(digest), metainfoOf(blob));
    assert.ok((await readBlob(store, digest)).equals(blob));
    assert.deepEqual([...store.ingests()], []);
  });

  it("a prepared ingest may still start over or be aborted; the blob stays as it is", async (t) => {
    const store = await open(t);
    const blob = bytesOf(5000);
    const ingest = await store.openIngest("ref", { total: blob.length });
    await ingest.write(blob);
    await ingest.prepare(digestOf(blob));
    await ingest.truncate();
    const other = bytesOf(5000, 2);
    await ingest.write(other);
    await ingest.prepare(digestOf(other));
    await store.abortIngest("ref");
    assert.deepEqual([...store.ingests()], []);
    for (const bytes of [blob, other]) {
      assert.equal(store.find(digestOf(bytes))?.owned, false);
      assert.ok((await readBlob(store, digestOf(bytes))).equals(bytes));
    }
  });

  it("commit() of what was prepared and then evicted fails", async (t) => {
    const store = await open(t);
    const blob = bytesOf(5000);
    const ingest = await store.openIngest("ref", { total: blob.length });
    await ingest.write(blob);
    await ingest.prepare(digestOf(blob));
    assert.equal(await store.evict(digestOf(blob)), true);
    await assert.rejects(ingest.commit(plain), DataLossError);
  });

  it("an empty blob is a blob", async (t) => {
    const store = await open(t);
    const record = await putBlob(store, new Uint8Array(), { provenance: "pull" });
    assert.equal(record.size, 0);
    assert.equal(record.infoHash, undefined);
    assert.equal((await readBlob(store, record.digest)).length, 0);
  });

  it("no piece hashes are kept of a blob that has another size than was promised", async (t) => {
    const store = await open(t);
    const ingest = await store.openIngest("ref", { total: 100 });
    await ingest.write(bytesOf(150));
    const record = await ingest.commit({ ...plain, provenance: "pull" });
    assert.equal(record.infoHash, undefined);
  });
}

function conformArrivals(open: OpenBlobStore): void {
  const blob = bytesOf(300_000, 3);
  const metainfo = metainfoOf(blob);
  const { digest } = metainfo;

  it("arrive() makes a file of the blob's size, and finds it again", async (t) => {
    const store = await open(t);
    const { path } = await store.arrive(metainfo);
    writeFileSync(path, blob.subarray(0, 1000), { flag: "r+" });
    assert.equal((await store.arrive(metainfo)).path, path);
    assert.deepEqual([...store.arriving()], [digest]);
    assert.deepEqual(await store.metainfo(digest), metainfo);
    assert.equal(store.find(digest), undefined);
    writeFileSync(path, blob, { flag: "r+" });
    const record = await store.arrived(digest);
    assert.equal(record.owned, false);
    assert.equal(record.whole, true);
    assert.equal(record.provenance, "pull");
    assert.equal(record.infoHash, metainfo.infoHash);
    assert.ok((await readBlob(store, digest)).equals(blob));
    assert.deepEqual([...store.arriving()], []);
  });

  it("arrive() takes a blob whose metainfo comes with its last byte", async (t) => {
    const store = await open(t);
    const { path } = await store.arrive({ digest, size: blob.length });
    await assert.rejects(store.metainfo(digest), BlobNotFoundError);
    await assert.rejects(store.promise(digest, 1), BlobSizeError);
    const promised = await store.promise(digest, blob.length);
    assert.equal(promised.infoHash, undefined);
    assert.equal((await store.arrive({ digest, size: blob.length })).path, path);
    const longer = metainfoOf(bytesOf(300_001, 3));
    await assert.rejects(store.arrived(digest, { ...longer, digest }), BlobSizeError);
    writeFileSync(path, blob, { flag: "r+" });
    const record = await store.arrived(digest, metainfo);
    assert.equal(record.owned && record.whole, true);
    assert.equal(record.infoHash, metainfo.infoHash);
    assert.deepEqual(await store.metainfo(digest), metainfo);
    assert.ok((await readBlob(store, digest)).equals(blob));
  });

  it("promise() shows a blob whose bytes are to come", async (t) => {
    const store = await open(t);
    await assert.rejects(store.promise(digest, blob.length), BlobNotFoundError);
    const { path } = await store.arrive(metainfo);
    await assert.rejects(store.promise(digest, 1), BlobSizeError);
    const promised = await store.promise(digest, blob.length);
    assert.deepEqual(store.find(digest), promised);
    assert.equal(promised.owned, true);
    assert.equal(promised.whole, false);
    assert.equal(promised.size, blob.length);
    assert.equal(store.descriptorOf(digest), undefined);
    await assert.rejects(store.open(digest), BlobNotFoundError);
    await assert.rejects(store.own(digest, {}), BlobNotFoundError);
    await assert.rejects(store.promise(digest, blob.length), BlobExistsError);
    await store.label(digest, { a: "b" });
    writeFileSync(path, blob, { flag: "r+" });
    const record = await store.arrived(digest);
    assert.equal(record.owned, true);
    assert.equal(record.createdAt, promised.createdAt);
    assert.deepEqual(record.labels, { a: "b" });
  });

  it("arrived() of what does not arrive is not found", async (t) => {
    const store = await open(t);
    await assert.rejects(store.arrived(digest), BlobNotFoundError);
  });

  it("a blob that was written meanwhile wins over the one that arrives", async (t) => {
    const store = await open(t);
    const { path } = await store.arrive(metainfo);
    await putBlob(store, blob);
    writeFileSync(path, blob, { flag: "r+" });
    assert.equal((await store.arrived(digest)).provenance, "local");
    assert.deepEqual([...store.arriving()], []);
    await assert.rejects(store.arrive(metainfo), BlobExistsError);
  });

  it("promise() of a cached blob makes it owned", async (t) => {
    const store = await open(t);
    await putBlob(store, blob, { provenance: "pull" });
    await store.disown(digest);
    const record = await store.promise(digest, blob.length);
    assert.equal(record.owned && record.whole, true);
  });

  it("unpromise() takes a promise back, and nothing else", async (t) => {
    const store = await open(t);
    const { path } = await store.arrive(metainfo);
    await store.promise(digest, blob.length);
    await store.unpromise(digest);
    await store.unpromise(digest);
    assert.equal(store.find(digest), undefined);
    writeFileSync(path, blob, { flag: "r+" });
    assert.equal((await store.promise(digest, blob.length)).owned, true);
    await store.arrived(digest);
    await store.unpromise(digest);
    assert.deepEqual(await readBlob(store, digest), blob);
  });

  it("discard() throws away what arrives, promised or not", async (t) => {
    const store = await open(t);
    await store.discard(digest);
    await store.arrive(metainfo);
    await store.promise(digest, blob.length);
    await store.discard(digest);
    assert.equal(store.find(digest), undefined);
    assert.deepEqual([...store.arriving()], []);
    await assert.rejects(store.metainfo(digest), BlobNotFoundError);
  });

  it("discard() leaves a whole blob alone", async (t) => {
    const store = await open(t);
    await putBlob(store, blob, { provenance: "pull" });
    await store.discard(digest);
    assert.ok((await readBlob(store, digest)).equals(blob));
    assert.deepEqual(await store.metainfo(digest), metainfo);
  });
}

function conformManager(open: OpenBlobStore): void {
  it("label() replaces labels and moves only updatedAt", async (t) => {
    const store = await open(t);
    const { digest, createdAt, updatedAt } = await putBlob(store, bytesOf(9), {
      labels: { a: "1" },
    });
    const record = await store.label(digest, { b: "2" });
    assert.deepEqual(record.labels, { b: "2" });
    assert.equal(record.createdAt, createdAt);
    assert.ok(record.updatedAt > updatedAt);
    assert.deepEqual(store.find(digest), record);
  });

  it("disown() keeps a pulled blob as cached and deletes a local one", async (t) => {
    const store = await open(t);
    const pulled = await putBlob(store, bytesOf(100, 1), { provenance: "pull" });
    const local = await putBlob(store, bytesOf(100, 2), { provenance: "local" });
    for (const { digest } of [pulled, local, pulled]) await store.disown(digest);
    assert.equal(store.find(local.digest), undefined);
    await assert.rejects(readBlob(store, local.digest), BlobNotFoundError);
    const cached = store.find(pulled.digest);
    assert.equal(cached?.owned, false);
    assert.ok(cached.updatedAt > pulled.updatedAt);
    await assert.rejects(store.label(pulled.digest, {}), BlobNotFoundError);
    assert.equal((await readBlob(store, pulled.digest)).length, 100);
  });

  it("own() gives a cached blob back", async (t) => {
    const store = await open(t);
    const { digest, createdAt } = await putBlob(store, bytesOf(100), { provenance: "pull" });
    await store.disown(digest);
    const record = await store.own(digest, { a: "b" });
    assert.equal(record.owned, true);
    assert.deepEqual(record.labels, { a: "b" });
    assert.ok(record.createdAt > createdAt);
    await assert.rejects(store.own(digest, {}), BlobExistsError);
  });

  it("anticipate() changes nothing that anybody sees", async (t) => {
    const store = await open(t);
    const blob = bytesOf(300_000, 5);
    const metainfo = metainfoOf(blob);
    const { digest } = metainfo;
    await store.anticipate(digest);
    assert.deepEqual([...store.records()], []);
    const { path } = await store.arrive(metainfo);
    await store.anticipate(digest);
    assert.deepEqual([...store.records()], []);
    writeFileSync(path, blob, { flag: "r+" });
    const cached = await store.arrived(digest);
    assert.equal(cached.owned, false);
    const owned = await store.own(digest, {});
    assert.equal(owned.owned, true);
    assert.ok(owned.createdAt > cached.createdAt);
    await store.anticipate(digest);
    assert.deepEqual(store.find(digest), owned);
    await store.disown(digest);
    await store.anticipate(digest);
    assert.equal(store.find(digest)?.owned, false);
    assert.deepEqual((await store.own(digest, { a: "b" })).labels, { a: "b" });
  });

  it("anticipate() goes before promise()", async (t) => {
    const store = await open(t);
    const metainfo = metainfoOf(bytesOf(300_000, 5));
    await store.arrive(metainfo);
    await store.anticipate(metainfo.digest);
    const record = await store.promise(metainfo.digest, 300_000);
    assert.equal(record.owned && !record.whole, true);
    assert.deepEqual([...store.records()], [record]);
  });

  it("evict() leaves alone what is owned, also if it became so a moment before", async (t) => {
    const store = await open(t);
    const blob = bytesOf(100);
    const { digest } = await putBlob(store, blob, { provenance: "pull", owned: false });
    const owning = store.own(digest, {});
    assert.equal(await store.evict(digest), false);
    await owning;
    assert.ok((await readBlob(store, digest)).equals(blob));
  });

  it("evict() takes a cached blob away with its metainfo, also while records() is iterated", async (t) => {
    const store = await open(t);
    const cached = { provenance: "pull", owned: false } as const;
    for (const seed of [1, 2, 3]) await putBlob(store, bytesOf(100, seed), cached);
    for (const { digest } of store.records()) {
      assert.equal(await store.evict(digest), true);
      assert.equal(await store.evict(digest), false);
      assert.equal(store.descriptorOf(digest), undefined);
      await assert.rejects(store.metainfo(digest), BlobNotFoundError);
    }
    assert.deepEqual([...store.records()], []);
  });
}
