import assert from "node:assert/strict";
import { readSync } from "node:fs";
import { it } from "node:test";

import { digestOf } from "../../digest.ts";
import { BlobNotFoundError } from "../../errors.ts";
import { type OpenBlobStore, bytesOf, plain, putBlob, readBlob } from "./sample-blobs.ts";

/** How blobs are found, listed and read. */
export function conformReader(open: OpenBlobStore): void {
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

  it("descriptorOf() and pathOf() lead to the bytes, as placeOf() said before", async (t) => {
    const store = await open(t);
    const blob = bytesOf(5000);
    const place = store.placeOf(digestOf(blob));
    const { digest } = await putBlob(store, blob);
    const file = store.descriptorOf(digest);
    assert.equal(file?.size, blob.length);
    const bytes = Buffer.alloc(blob.length);
    readSync(file.fd, bytes, 0, bytes.length, 0);
    assert.ok(bytes.equals(blob));
    assert.equal(store.pathOf(digest), place);
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
