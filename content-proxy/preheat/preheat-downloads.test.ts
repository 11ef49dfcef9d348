import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";

import type { Descriptor } from "../../core/descriptor.ts";
import { digestOf, parseDigest } from "../../core/digest.ts";
import { BlobSizeError, InvalidArgumentError, UnavailableError } from "../../core/errors.ts";
import { ManualClock } from "../../core/testing/manual-clock.ts";
import { Node } from "../fetcher-node.test-support.ts";
import { PreheatDownloads } from "./preheat-downloads.ts";

/** A node of its own for a test, whose cache has room for 1,000 bytes, and what its downloads told. */
async function open(t: TestContext, { downloadsMax = 2 } = {}) {
  const node = await Node.open(t);
  const clock = new ManualClock();
  const { store, arrivals } = node;
  const downloads = new PreheatDownloads({
    ...{ store, arrivals, clock, downloadsMax, lookIntervalMs: 1, retryPauseMs: 1 },
  });
  const pauses: boolean[] = [];
  let bytesTold = 0;
  const listener = {
    onBytes: (bytes: number) => void (bytesTold = bytes),
    onPause: (isPaused: boolean) => void pauses.push(isPaused),
  };
  const obtain = (blob: Descriptor, signal: AbortSignal = t.signal) =>
    downloads.obtain(blob, { ...listener, signal });
  return { node, clock, pauses, obtain, bytesTold: () => bytesTold };
}

function blobOf(bytes: Buffer): Descriptor {
  return { mediaType: "layer", digest: digestOf(bytes), size: bytes.length };
}

test("a blob comes from the swarm and is cached, and one that is here is not fetched", async (t) => {
  const { node, obtain, bytesTold } = await open(t);
  const bytes = randomBytes(200);
  node.offer(bytes);
  const started = node.nextDownload();
  const obtained = obtain(blobOf(bytes));
  await node.fill(await started);
  await obtained;
  const record = node.store.find(digestOf(bytes));
  assert.deepEqual([record?.whole, record?.owned], [true, false]);
  assert.equal(bytesTold(), 200);
  await obtain(blobOf(bytes));
  assert.equal(node.swarm.downloads.length, 1);
});

test("so many blobs are fetched at once", async (t) => {
  const { node, obtain } = await open(t, { downloadsMax: 2 });
  const blobs = [randomBytes(100), randomBytes(100), randomBytes(100)];
  for (const bytes of blobs) node.offer(bytes);
  const two = Promise.withResolvers<undefined>();
  node.swarm.onDownload = () => {
    if (node.swarm.downloads.length === 2) two.resolve(undefined);
  };
  const obtaining = Promise.all(blobs.map((bytes) => obtain(blobOf(bytes))));
  await two.promise;
  const [first, second] = node.swarm.downloads;
  assert.ok(first && second);
  assert.equal(node.arrivals.count, 2);
  const third = node.nextDownload();
  await node.fill(first);
  await node.fill(await third);
  assert.equal(second.disposed, false);
  await node.fill(second);
  await obtaining;
});

test("a download makes room for a pull, and goes on when that is through", async (t) => {
  const { node, obtain, pauses } = await open(t);
  const [preheated, pulled] = [randomBytes(300), randomBytes(100)];
  node.offer(preheated);
  const digest = node.offer(pulled);
  let started = node.nextDownload();
  const obtained = obtain(blobOf(preheated));
  const first = await started;
  started = node.nextDownload();
  const pull = node.fetcher.obtain({ digest, size: pulled.length, kind: "layer" }, t);
  const pulling = await started;
  while (!first.disposed) await new Promise((resolve) => setImmediate(resolve));
  started = node.nextDownload();
  while (!pauses.includes(true)) await new Promise((resolve) => setImmediate(resolve));
  await node.fill(pulling);
  assert.ok(await pull);
  await node.fill(await started);
  await obtained;
  assert.deepEqual(pauses, [true, false]);
  assert.equal(node.store.find(digestOf(preheated))?.whole, true);
});

test("a download that a pull wants, too, is not stopped for it, nor when it is canceled", async (t) => {
  const { node, obtain } = await open(t);
  const bytes = randomBytes(300);
  const { digest, size } = blobOf(bytes);
  node.offer(bytes);
  const started = node.nextDownload();
  const canceling = new AbortController();
  const obtained = obtain(blobOf(bytes), canceling.signal);
  const download = await started;
  const pull = node.fetcher.obtain({ digest, size, kind: "layer" }, t);
  canceling.abort(new Error("enough"));
  await assert.rejects(obtained, /enough/);
  assert.equal(download.disposed, false);
  await node.fill(download);
  assert.ok(await pull);
  assert.equal(node.swarm.downloads.length, 1);
});

test("who cancels stops what nobody else wants", async (t) => {
  const { node, obtain } = await open(t);
  const bytes = randomBytes(300);
  node.offer(bytes);
  const started = node.nextDownload();
  const canceling = new AbortController();
  const obtained = obtain(blobOf(bytes), canceling.signal);
  const download = await started;
  canceling.abort(new Error("enough"));
  await assert.rejects(obtained, /enough/);
  assert.equal(download.disposed, true);
  assert.equal(node.arrivals.count, 0);
});

test("a blob whose bytes stand still is given up, in the end for good", async (t) => {
  const { node, clock, obtain } = await open(t);
  const bytes = randomBytes(300);
  node.offer(bytes);
  let failure: unknown;
  const ended = assert.rejects(obtain(blobOf(bytes)), (error) => {
    failure = error;
    return true;
  });
  while (failure === undefined) {
    clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
  assert.ok(failure instanceof UnavailableError);
  assert.match(failure.message, /nobody gives it/);
});

test("a blob is refused that a pull knows by another size, or whose digest is of another kind", async (t) => {
  const { node, clock, obtain } = await open(t);
  const bytes = randomBytes(300);
  const blob = blobOf(bytes);
  node.offer(bytes);
  const started = node.nextDownload();
  node.arrivals.start({ ...blob, promised: true });
  await started;
  const pausing = obtain({ ...blob, size: 1 });
  const refused = assert.rejects(pausing, BlobSizeError);
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(10_000);
  await refused;
  const digest = parseDigest(`sha512:${"a".repeat(128)}`);
  await assert.rejects(obtain({ ...blob, digest }), InvalidArgumentError);
});

test("a blob is fetched as one that nobody waits for, until a pull asks for it", async (t) => {
  const { node, obtain } = await open(t);
  const bytes = randomBytes(200);
  const { digest, size } = blobOf(bytes);
  node.offer(bytes);
  const started = node.nextDownload();
  const obtained = obtain(blobOf(bytes));
  const download = await started;
  assert.deepEqual([download.wanted.isAhead, download.isHastened], [true, false]);
  node.arrivals.start({ digest, size, promised: false });
  assert.equal(download.isHastened, true);
  await node.fill(download);
  await obtained;
});
