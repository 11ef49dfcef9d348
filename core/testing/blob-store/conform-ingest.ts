import assert from "node:assert/strict";
import { it } from "node:test";

import { digestOf } from "../../digest.ts";
import { type OpenBlobStore, bytesOf, metainfoOf, plain, readBlob } from "./sample-blobs.ts";

/** How bytes are written into an ingest, and what stays of them. */
export function conformIngest(open: OpenBlobStore): void {
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
