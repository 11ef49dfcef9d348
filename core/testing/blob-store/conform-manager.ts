import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { it } from "node:test";

import { BlobExistsError, BlobNotFoundError } from "../../errors.ts";
import { type OpenBlobStore, bytesOf, metainfoOf, putBlob, readBlob } from "./sample-blobs.ts";

/** How blobs are labelled, disowned and deleted. */
export function conformManager(open: OpenBlobStore): void {
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
