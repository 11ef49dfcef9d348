import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";

import { type Digest, digestOf, parseDigest } from "../core/digest.ts";
import {
  BlobNotFoundError,
  OffsetError,
  StorageFullError,
  UnavailableError,
} from "../core/errors.ts";
import { Node, metainfoOf } from "./fetcher-node.test-support.ts";
import { resumePromises } from "./resume-promises.ts";
import type { SwarmBlobFetcher } from "./swarm-blob-fetcher.ts";

const layer = randomBytes(1_500_000);

test("obtain() is false for what nobody has, and leaves nothing behind", async (t) => {
  const node = await Node.open(t);
  const blob = { digest: digestOf(layer), size: layer.length, kind: "layer" } as const;
  assert.equal(await node.fetcher.obtain(blob, t), undefined);
  assert.deepEqual([...node.store.arriving()], []);
});

test("a layer is promised while it arrives, read as it comes, and ends in its place", async (t) => {
  const node = await Node.open(t);
  const digest = node.offer(layer);
  const started = node.nextDownload();
  const obtained = node.fetcher.obtain({ digest, size: layer.length, kind: "layer" }, t);
  const download = await started;
  assert.throws(() => node.fetcher.locate(digest, 0), BlobNotFoundError);
  download.sources(true);
  assert.ok(await obtained);

  const record = await node.fetcher.commit(digest, { kept: "yes" });
  assert.deepEqual([record.owned, record.whole, record.labels], [true, false, { kept: "yes" }]);
  await writeFile(download.wanted.path, layer);
  download.advance(600_000);
  assert.equal(node.fetcher.locate(digest, 1000)?.availableEnd, 600_000);
  assert.throws(() => node.fetcher.locate(digest, layer.length + 1), OffsetError);
  const read = node.read(digest, t.signal);
  await node.fill(download);
  assert.deepEqual(await read, layer);

  await node.arrivals.find(digest)?.settled();
  assert.equal(node.store.find(digest)?.whole, true);
  assert.deepEqual(node.published, [digest]);
  assert.equal(node.fetcher.locate(digest, 0)?.availableEnd, layer.length);
});

test("a read of promised bytes that do not come is told of as a broken promise", async (t) => {
  const node = await Node.open(t);
  const digest = node.offer(layer);
  const started = node.nextDownload();
  const obtained = node.fetcher.obtain({ digest, size: layer.length, kind: "layer" }, t);
  (await started).sources(true);
  assert.ok(await obtained);
  await node.fetcher.commit(digest, {});
  const range = { start: 0, end: 10 };
  const read = (fetcher: SwarmBlobFetcher, signal: AbortSignal) =>
    fetcher.read(digest, range, { signal }).next();
  await assert.rejects(read(node.fetcher, AbortSignal.abort(new Error("enough"))), /enough/);
  assert.deepEqual(node.broken, []);
  await assert.rejects(read(node.impatientFetcher, t.signal), UnavailableError);
  assert.deepEqual(node.broken, [digest]);
});

test("a read that ends because its blob is deleted, or with the daemon, breaks no promise", async (t) => {
  const node = await Node.open(t);
  const promised = async (bytes: Buffer): Promise<Digest> => {
    const digest = node.offer(bytes);
    const started = node.nextDownload();
    node.arrivals.start({ digest, size: bytes.length, promised: true });
    await started;
    await node.store.promise(digest, bytes.length);
    return digest;
  };
  const [deleted, stopped] = [await promised(layer), await promised(Buffer.alloc(1000))];
  const reads = [deleted, stopped].map((digest) => {
    return assert.rejects(node.read(digest, t.signal), UnavailableError);
  });
  await node.fetcher.disown(deleted);
  await reads[0];
  await node.arrivals[Symbol.asyncDispose]();
  await reads[1];
  assert.deepEqual(node.broken, []);
});

test("with a broken promise what nobody has is told of while others move, and none while nothing does", async (t) => {
  const node = await Node.open(t);
  const names = ["read", "lost", "waiting"];
  const blobs = names.map((name) => Buffer.alloc(600_000, name));
  const digests = blobs.map((blob) => node.offer(blob));
  for (const [index, digest] of digests.entries()) {
    const started = node.nextDownload();
    node.arrivals.start({ digest, size: 600_000, promised: true });
    (await started).sources(names[index] === "waiting");
    await node.store.promise(digest, 600_000);
  }
  const [read, ...others] = digests;
  assert.ok(read !== undefined);
  const reading = () => node.impatientFetcher.read(read, { start: 0, end: 10 }, t).next();
  await assert.rejects(reading(), UnavailableError);
  assert.deepEqual(node.broken, [read]);
  node.broken.length = 0;
  const moving = node.offer(Buffer.alloc(600_000, "moving"));
  const started = node.nextDownload();
  node.arrivals.start({ digest: moving, size: 600_000, promised: false });
  const download = await started;
  const mover = setInterval(() => download.advance(download.bytesDone + 1), 0);
  await assert.rejects(reading(), UnavailableError);
  clearInterval(mover);
  assert.deepEqual(node.broken, [read, others[0]]);
});

test("a manifest is promised only when it is whole, and its blobs are fetched ahead", async (t) => {
  const node = await Node.open(t);
  const [config, layerDigest] = [Buffer.from("{}"), layer].map((bytes) => {
    return { mediaType: "x/y", digest: node.offer(bytes), size: bytes.length };
  });
  assert.ok(config && layerDigest);
  const manifest = Buffer.from(JSON.stringify({ config, layers: [layerDigest] }));
  const digest = node.offer(manifest);
  const ahead: Digest[] = [];
  const both = Promise.withResolvers<undefined>();
  node.swarm.onDownload = (download) => {
    if (download.wanted.torrent.digest !== digest) ahead.push(download.wanted.torrent.digest);
    if (download.wanted.torrent.digest === digest) void node.fill(download);
    if (ahead.length === 2) both.resolve(undefined);
  };
  const blob = { digest, size: manifest.length, kind: "manifest" } as const;
  assert.ok(await node.fetcher.obtain(blob, t));
  assert.equal(node.store.find(digest)?.whole, true);
  await both.promise;
  assert.deepEqual(ahead.sort(), [config.digest, layerDigest.digest].sort());
  const { size, mediaType } = layerDigest;
  assert.deepEqual(node.provenance.find(layerDigest.digest), { repositories: [], size, mediaType });
  assert.deepEqual(node.provenance.ancestorsOf(layerDigest.digest), [digest]);
});

test("what containerd wrote by a pull is offered; what is local is not", async (t) => {
  const node = await Node.open(t);
  const pulled = await node.write(layer, "pull");
  node.fetcher.written(pulled, "layer");
  const local = await node.write(Buffer.from("built here"), "local");
  node.fetcher.written(local, "layer");
  assert.deepEqual(
    [...node.swarm.seeded].map(({ digest }) => digest),
    [pulled.digest],
  );
});

test("a deleted pull stays as cached within the budget, and is found again", async (t) => {
  const node = await Node.open(t);
  const small = await node.write(Buffer.alloc(900, "s"), "pull");
  await node.fetcher.disown(small.digest);
  assert.throws(() => node.fetcher.locate(small.digest, 0), BlobNotFoundError);
  const again = { digest: small.digest, size: 900, kind: "layer" } as const;
  assert.ok(await node.fetcher.obtain(again, t));
  assert.equal((await node.fetcher.commit(small.digest, {})).owned, true);
  assert.equal((await node.read(small.digest, t.signal)).length, 900);
});

test("a promise survives a restart, and the blob arrives", async (t) => {
  const before = await Node.open(t);
  const digest = before.offer(layer);
  const started = before.nextDownload();
  const obtained = before.fetcher.obtain({ digest, size: layer.length, kind: "layer" }, t);
  (await started).sources(true);
  await obtained;
  await before.fetcher.commit(digest, {});

  const after = await before.restart(t);
  after.offer(layer);
  const resumed = after.nextDownload();
  resumePromises(after.store, after.arrivals);
  const read = after.read(digest, t.signal);
  await after.fill(await resumed);
  assert.deepEqual(await read, layer);
});

test("disown() ends the download of a promised blob and forgets it", async (t) => {
  const node = await Node.open(t);
  const digest = node.offer(layer);
  const started = node.nextDownload();
  const obtained = node.fetcher.obtain({ digest, size: layer.length, kind: "layer" }, t);
  const download = await started;
  download.sources(true);
  await obtained;
  await node.fetcher.commit(digest, {});
  (await obtained)?.[Symbol.dispose]();
  await node.fetcher.disown(digest);
  assert.equal(download.disposed, true);
  assert.equal(node.store.find(digest), undefined);
  assert.deepEqual([...node.store.arriving()], []);
});

test("a promise that is broken as the blob comes is kept, and one that does not come is forgotten", async (t) => {
  const node = await Node.open(t);
  for (const bytes of [layer, Buffer.alloc(600_000, "lost")]) {
    const digest = node.offer(bytes);
    const { size } = metainfoOf(bytes).layout;
    const started = node.nextDownload();
    node.arrivals.start({ digest, size, promised: true });
    await started;
    await node.store.promise(digest, size);
    const isLost = bytes !== layer;
    await Promise.all([!isLost && node.store.arrived(digest), node.fetcher.breakPromise(digest)]);
    const { owned, whole } = node.store.find(digest) ?? {};
    assert.deepEqual([owned, whole], isLost ? [undefined, undefined] : [true, true]);
    assert.deepEqual([...node.store.arriving()], []);
  }
});

test("a blob that one pull gives back arrives for another, which was told to rely on it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const node = await Node.open(t);
  const digest = node.offer(layer);
  const blob = { digest, size: layer.length, kind: "layer" } as const;
  const started = node.nextDownload();
  const first = node.fetcher.obtain(blob, t);
  const download = await started;
  download.sources(true);
  const firstHold = await first;
  await node.fetcher.commit(digest, {});
  firstHold?.[Symbol.dispose]();
  const second = await node.fetcher.obtain(blob, t);
  await node.fetcher.disown(digest);
  assert.equal(node.store.find(digest), undefined);
  assert.equal((await node.fetcher.commit(digest, {})).owned, true);
  second?.[Symbol.dispose]();
  t.mock.timers.tick(60_000);
  assert.equal(download.disposed, false);
  await node.fetcher.disown(digest);
  assert.equal(node.arrivals.find(digest), undefined);
});

test("a blob that both pulls give back ends a while after the second one has", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const node = await Node.open(t);
  const digest = node.offer(layer);
  const blob = { digest, size: layer.length, kind: "layer" } as const;
  const started = node.nextDownload();
  const first = node.fetcher.obtain(blob, t);
  (await started).sources(true);
  const holds = [await first, await node.fetcher.obtain(blob, t)];
  await node.fetcher.commit(digest, {});
  await node.fetcher.disown(digest);
  for (const hold of holds) hold?.[Symbol.dispose]();
  assert.ok(node.arrivals.find(digest));
  t.mock.timers.tick(60_000);
  assert.equal(node.arrivals.find(digest), undefined);
});

test("of many promises a few are resumed at a time, and one that is read at once", async (t) => {
  const before = await Node.open(t);
  const blobs = Array.from({ length: 12 }, (_, index) => Buffer.alloc(5000, index));
  for (const bytes of blobs) {
    const fixture = metainfoOf(bytes);
    await before.store.arrive(fixture);
    await before.store.promise(fixture.digest, bytes.length);
  }
  const node = await before.restart(t);
  for (const bytes of blobs) node.offer(bytes);
  resumePromises(node.store, node.arrivals);
  assert.equal(node.arrivals.count, 4);
  const waiting = blobs.find((bytes) => !node.arrivals.find(digestOf(bytes)));
  assert.ok(waiting);
  node.swarm.onDownload = (download) => void node.fill(download);
  assert.deepEqual(await node.read(digestOf(waiting), t.signal), waiting);
  for (let left = [...node.arrivals]; left.length > 0; left = [...node.arrivals]) {
    await Promise.all(left.map((arrival) => arrival.settled()));
  }
  assert.ok([...node.store.records()].every(({ whole }) => whole));
});

test("an obtained blob that is larger than the cache's budget is still there at COMMIT", async (t) => {
  const node = await Node.open(t);
  const bytes = randomBytes(5000);
  const digest = node.offer(bytes);
  const started = node.nextDownload();
  const obtained = node.fetcher.obtain({ digest, size: bytes.length, kind: "config" }, t);
  await node.fill(await started);
  assert.ok(await obtained);
  await node.fetcher.disown(digestOf(Buffer.from("another")));
  assert.equal((await node.fetcher.commit(digest, {})).owned, true);
  assert.deepEqual(await node.read(digest, t.signal), bytes);
});

test("what was obtained can be committed for as long as its stream is open", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const node = await Node.open(t);
  const digest = node.offer(layer);
  const started = node.nextDownload();
  const obtained = node.fetcher.obtain({ digest, size: layer.length, kind: "layer" }, t);
  const download = await started;
  download.sources(true);
  const hold = await obtained;
  assert.ok(hold);
  t.mock.timers.tick(600_000);
  assert.ok(node.arrivals.find(digest));
  hold[Symbol.dispose]();
  t.mock.timers.tick(60_000);
  assert.equal(node.arrivals.find(digest), undefined);
});

test("what is cached is not evicted between our yes and COMMIT, however long that takes", async (t) => {
  const node = await Node.open(t);
  const { digest, size } = await node.write(Buffer.alloc(5000, "cached"), "pull");
  await node.store.disown(digest);
  const hold = await node.fetcher.obtain({ digest, size, kind: "config" }, t);
  await node.budget.enforce();
  assert.ok(hold && node.store.find(digest));
  hold[Symbol.dispose]();
  assert.equal((await node.fetcher.commit(digest, {})).owned, true);
});

test("digests that the swarm cannot check are left to containerd", async (t) => {
  const node = await Node.open(t);
  const digest = parseDigest(`sha512:${"a".repeat(128)}`);
  assert.equal(await node.fetcher.obtain({ digest, size: 1000, kind: "layer" }, t), undefined);
  assert.equal(node.arrivals.count, 0);
  assert.deepEqual([...node.store.arriving()], []);
});

test("what is committed is relied on, whoever began it, and is as long as was told", async (t) => {
  const node = await Node.open(t);
  const digest = node.offer(layer);
  const started = node.nextDownload();
  const arrival = node.arrivals.start({ digest, size: layer.length, promised: false });
  await started;
  const other = { size: layer.length - 1 };
  await assert.rejects(node.fetcher.commit(digest, {}, other), BlobNotFoundError);
  assert.deepEqual([arrival.promised, node.store.find(digest)], [false, undefined]);
  await node.fetcher.commit(digest, {}, { size: layer.length });
  assert.equal(arrival.promised, true);
});

test("a download that fails between our yes and COMMIT is tried again", async (t) => {
  const node = await Node.open(t);
  const digest = node.offer(layer);
  const first = node.nextDownload();
  const obtained = node.fetcher.obtain({ digest, size: layer.length, kind: "layer" }, t);
  const failing = await first;
  failing.sources(true);
  assert.ok(await obtained);
  const second = node.nextDownload();
  failing.fail(new UnavailableError("gone"));
  const download = await second;
  assert.equal((await node.fetcher.commit(digest, {})).owned, true);
  await node.fill(download);
  assert.deepEqual(await node.read(digest, t.signal), layer);
});

test("a pull that starts while another gives the blob up keeps what it gets", async (t) => {
  const node = await Node.open(t);
  const digest = node.offer(layer);
  const blob = { digest, size: layer.length, kind: "layer" } as const;
  const stopping = Promise.withResolvers<undefined>();
  const gate = Promise.withResolvers<undefined>();
  const first = node.nextDownload();
  node.arrivals.start({ digest, size: layer.length, promised: false });
  const slow = await first;
  slow[Symbol.asyncDispose] = async () => {
    stopping.resolve(undefined);
    slow.fail(new UnavailableError("stopped"));
    await gate.promise;
  };
  const givenUp = node.hastyFetcher.obtain(blob, t);
  await stopping.promise;
  const started = node.nextDownload();
  const obtained = node.fetcher.obtain(blob, t);
  gate.resolve(undefined);
  assert.equal(await givenUp, undefined);
  const download = await started;
  download.sources(true);
  assert.ok(await obtained);
  assert.equal((await node.fetcher.commit(digest, {})).owned, true);
  await node.fill(download);
  assert.deepEqual(await node.read(digest, t.signal), layer);
});

test("what was fetched ahead is given up with the pull that waited for it in vain", async (t) => {
  const node = await Node.open(t);
  const digest = node.offer(layer);
  const started = node.nextDownload();
  const ahead = node.arrivals.start({ digest, size: layer.length, promised: false });
  node.arrivals.claim(digest)[Symbol.dispose]();
  await started;
  const blob = { digest, size: layer.length, kind: "layer" } as const;
  assert.equal(await node.hastyFetcher.obtain(blob, t), undefined);
  assert.equal(ahead.ended, true);
  assert.equal(node.arrivals.find(digest), undefined);
  assert.deepEqual([...node.store.arriving()], []);
});

test("a pull is not given up for another one that waits, and a wrong size is no pull at all", async (t) => {
  const node = await Node.open(t);
  const digest = node.offer(layer);
  const blob = { digest, size: layer.length, kind: "layer" } as const;
  const started = node.nextDownload();
  const obtained = node.fetcher.obtain(blob, t);
  const download = await started;
  assert.equal(await node.hastyFetcher.obtain(blob, t), undefined);
  assert.equal(await node.fetcher.obtain({ ...blob, size: 7 }, t), undefined);
  download.sources(true);
  assert.ok(await obtained);
});

test("what came of a blob that nobody wants any more is deleted after a while", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const node = await Node.open(t);
  const digest = node.offer(layer);
  const started = node.nextDownload();
  const arrival = node.arrivals.start({ digest, size: layer.length, promised: false });
  await started;
  node.arrivals.claim(digest)[Symbol.dispose]();
  t.mock.timers.tick(60_000);
  await arrival.settled();
  assert.deepEqual([...node.store.arriving()], [digest]);
  t.mock.timers.tick(600_000);
  await eventually(() => [...node.store.arriving()].length === 0);
});

test("what an earlier process left of a blob is deleted after a while, unless it was promised", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const node = await Node.open(t);
  const [left, promised] = [metainfoOf(layer), metainfoOf(Buffer.alloc(700_000, "p"))];
  for (const metainfo of [left, promised]) await node.store.arrive(metainfo);
  await node.store.promise(promised.digest, promised.layout.size);
  resumePromises(node.store, node.arrivals);
  t.mock.timers.tick(600_000);
  await eventually(() => [...node.store.arriving()].length === 1);
  assert.deepEqual([...node.store.arriving()], [promised.digest]);
});

test("a download that fills the disk leaves nothing of it", async (t) => {
  const node = await Node.open(t);
  const digest = node.offer(layer);
  const started = node.nextDownload();
  node.arrivals.start({ digest, size: layer.length, promised: false });
  (await started).fail(new StorageFullError("full"));
  await eventually(() => [...node.store.arriving()].length === 0);
});

test("what is wrong with us is no reason for a pull to fail", async (t) => {
  const node = await Node.open(t);
  await node.arrivals[Symbol.asyncDispose]();
  const blob = { digest: node.offer(layer), size: layer.length, kind: "layer" } as const;
  assert.equal(await node.fetcher.obtain(blob, t), undefined);
});

test("Prefetch ends while the manifest that an index names is still to come", async (t) => {
  const node = await Node.open(t);
  const manifest = Buffer.from("{}");
  const named = { mediaType: "x/y", digest: node.offer(manifest), size: manifest.length };
  const platform = { os: "linux", architecture: "amd64" };
  const index = Buffer.from(JSON.stringify({ manifests: [{ ...named, platform }] }));
  const record = await node.write(index, "pull");
  const started = node.nextDownload();
  node.prefetch.manifestSeen(record, "index");
  await started;
  await node.prefetch[Symbol.asyncDispose]();
});

/** Waits for something that happens by itself, as soon as disk and sockets let it. */
async function eventually(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!isSo()) {
    assert.ok(performance.now() < endMs, "it did not happen");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("what containerd wrote and is about to commit is not evicted", async (t) => {
  const node = await Node.open(t);
  const bytes = randomBytes(5000);
  const ingest = await node.store.openIngest("ref", { total: bytes.length });
  await ingest.write(bytes);
  node.fetcher.expectCommit(digestOf(bytes));
  await ingest.prepare(digestOf(bytes));
  await node.fetcher.disown(digestOf(Buffer.from("another")));
  await node.budget.enforce();
  const options = { size: 5000, labels: {}, provenance: "pull", owned: true } as const;
  assert.equal((await ingest.commit(options)).owned, true);
  await ingest.close();
});
