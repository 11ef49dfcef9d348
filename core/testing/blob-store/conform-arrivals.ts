import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { it } from "node:test";

import { BlobExistsError, BlobNotFoundError, BlobSizeError } from "../../errors.ts";
import { type OpenBlobStore, bytesOf, metainfoOf, putBlob, readBlob } from "./sample-blobs.ts";

/** How blobs arrive from a swarm, promised to containerd or not. */
export function conformArrivals(open: OpenBlobStore): void {
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
