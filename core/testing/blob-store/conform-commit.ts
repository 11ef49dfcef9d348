import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { it } from "node:test";

import { digestFromHash, digestOf } from "../../digest.ts";
import {
  BlobExistsError,
  BlobSizeError,
  DataLossError,
  DigestMismatchError,
  IngestNotFoundError,
} from "../../errors.ts";
import {
  type OpenBlobStore,
  bytesOf,
  metainfoOf,
  plain,
  putBlob,
  readBlob,
} from "./sample-blobs.ts";

/** What a commit checks, and what it makes of an ingest. */
export function conformCommit(open: OpenBlobStore): void {
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
