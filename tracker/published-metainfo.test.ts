import assert from "node:assert/strict";
import { test } from "node:test";

import { StorageFullError } from "../core/errors.ts";
import { type Metainfo, createMetainfo } from "../core/metainfo.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { PublishedMetainfo } from "./published-metainfo.ts";

const limits = { entriesMax: 100, bytesMax: 1024 * 1024 };
const none = new Set<never>();

/** Metainfo of the same blob with wrong hashes. */
function liesAbout({ digest, layout, pieceHashes }: Metainfo, lie: number): Metainfo {
  return createMetainfo({ digest, size: layout.size, pieceHashes: pieceHashes.map(() => lie) });
}

test("PublishedMetainfo gives what was put, and says whether it is new", async () => {
  const { metainfo, digest } = blobFixture(1000);
  const published = new PublishedMetainfo(limits);
  assert.equal(published.find(digest, none), undefined);
  assert.equal(await published.put(metainfo, "a"), true);
  assert.equal(await published.put(metainfo, "b"), false);
  assert.equal(published.find(digest, none), metainfo);
  assert.equal(published.use(metainfo.infoHash), true);
  assert.equal(published.use(liesAbout(metainfo, 1).infoHash), false);
  assert.equal(published.report().entries, 1);
});

test("PublishedMetainfo gives the torrent that most different publishers named, then the next", async () => {
  const { metainfo, digest } = blobFixture(1000);
  const lie = liesAbout(metainfo, 1);
  const published = new PublishedMetainfo(limits);
  await published.put(lie, "liar");
  await published.put(lie, "liar");
  await published.put(metainfo, "a");
  await published.put(metainfo, "b");
  assert.equal(published.find(digest, none), metainfo);
  assert.equal(published.find(digest, new Set([metainfo.infoHash])), lie);
  assert.equal(published.find(digest, new Set([metainfo.infoHash, lie.infoHash])), undefined);
});

test("PublishedMetainfo keeps few torrents of a digest and gives up doubtful ones first", async () => {
  const { metainfo, digest } = blobFixture(1000);
  const published = new PublishedMetainfo(limits);
  await published.put(metainfo, "a");
  await published.put(metainfo, "b");
  for (let lie = 1; lie < 50; lie++) await published.put(liesAbout(metainfo, lie), "liar");
  assert.equal(published.find(digest, none), metainfo);
  assert.equal(published.use(liesAbout(metainfo, 1).infoHash), false);
  assert.equal(published.use(liesAbout(metainfo, 49).infoHash), true);
  assert.ok(published.report().bytes < 5000);
});

test("PublishedMetainfo refuses one more torrent when all are well believed", async () => {
  const { metainfo } = blobFixture(1000);
  const published = new PublishedMetainfo(limits);
  for (const lie of [1, 2, 3, 4]) {
    await published.put(liesAbout(metainfo, lie), "a");
    await published.put(liesAbout(metainfo, lie), "b");
  }
  await assert.rejects(published.put(metainfo, "c"), StorageFullError);
  assert.equal(published.use(metainfo.infoHash), false);
});

test("PublishedMetainfo forgets what was not used for longest, and drops it from its keeper", async () => {
  const dropped: string[] = [];
  const keeper = { keep: async () => undefined, drop: (hash: string) => void dropped.push(hash) };
  const published = new PublishedMetainfo({ ...limits, entriesMax: 2 }, keeper);
  const [a, b, c] = ["a", "b", "c"].map((seed) => blobFixture(1000, seed).metainfo);
  assert.ok(a && b && c);
  await published.put(a, "");
  await published.put(b, "");
  published.use(a.infoHash);
  await published.put(c, "");
  assert.deepEqual(dropped, [b.infoHash]);
  assert.equal(published.use(b.infoHash), false);
  assert.equal(published.peek(a.infoHash), a);
});

test("PublishedMetainfo keeps to its bytes", async () => {
  const published = new PublishedMetainfo({ entriesMax: 1000, bytesMax: 10_000 });
  for (let index = 0; index < 100; index++) {
    await published.put(blobFixture(1000, String(index)).metainfo, "");
  }
  const { entries, bytes } = published.report();
  assert.ok(bytes <= 10_000 && entries < 10);
});
