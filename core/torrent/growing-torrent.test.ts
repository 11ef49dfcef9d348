import assert from "node:assert/strict";
import { readFile, rename, rm } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";

import { abortable } from "../async/deadline.ts";
import type { Download, Swarm, WantedBlob } from "../ports/swarm.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { GrowingFixture } from "./growing-blob.test-support.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";

const mebibyte = 1024 * 1024;
const blob = blobFixture(4 * mebibyte + 77);
const { pieceCount, pieceLength } = blob.metainfo.layout;

/** A seeder that receives the blob. */
async function benchOf(t: TestContext) {
  const bench = await SwarmBench.create(openTestSwarm({ stallBoundMs: 20_000 }), t);
  const growing = await GrowingFixture.create(bench, blob, t);
  let nodes = 0;
  /** A node that downloads, with the path of its file. */
  const node = async (wanted: Partial<WantedBlob> = {}) => {
    const path = await growing.target(bench, `node-${++nodes}`);
    const peers = [{ host: "127.0.0.1", port: growing.seeder.port }];
    const swarm = await bench.node();
    const { torrent } = growing;
    const blobWanted = { torrent, path, peers, webSeeds: [], ...wanted };
    return { swarm, path: blobWanted.path, download: bench.download(swarm, blobWanted) };
  };
  return { bench, growing, node };
}

/** Waits until the first pieces of a blob are here. */
async function pieces(download: Download, count: number, t: TestContext): Promise<void> {
  const end = Math.min(blob.bytes.length, count * pieceLength);
  await download.ready({ start: 0, end }, t);
}

/** Longer than any machine needs: a dial that fails is tried again within seconds. */
const meetingMs = 60_000;

/** Waits until all nodes are connected to the seeder, and to each other in both directions. */
async function meeting(nodes: readonly { readonly swarm: Swarm }[], { signal }: TestContext) {
  const peersMin = 1 + 2 * (nodes.length - 1);
  const peers = () => nodes.map(({ swarm }) => swarm.status()[0]?.peers ?? 0);
  const deadline = performance.now() + meetingMs;
  while (peers().some((count) => count < peersMin)) {
    if (performance.now() > deadline) assert.fail(`they have ${peers().join(", ")} peers`);
    await setTimeout(10, undefined, { signal });
  }
}

async function assertWhole({ path, download }: { path: string; download: Download }) {
  await download.whole();
  assert.deepEqual(await readFile(path), blob.bytes);
  assert.equal(download.metainfo?.infoHash, blob.metainfo.infoHash);
}

test("a node gets the pieces of a blob while its seeder receives them", async (t) => {
  const { growing, node } = await benchOf(t);
  const { path, download } = await node();
  await growing.grow(3);
  await pieces(download, 3, t);
  assert.equal(download.availableEnd(0), 3 * pieceLength);
  const { metainfo } = download;
  assert.equal(metainfo, undefined);
  await growing.grow();
  await assertWhole({ path, download });
  assert.equal(download.received.seeders, blob.bytes.length);
});

test("nodes of a growing swarm get each piece from one another, and once from the seeder", async (t) => {
  const { growing, node } = await benchOf(t);
  const nodes = [await node(), await node()];
  await meeting(nodes, t);
  for (let count = 1; count <= pieceCount; count++) {
    await growing.grow(1);
    await Promise.all(nodes.map(({ download }) => pieces(download, count, t)));
  }
  for (const { path, download } of nodes) {
    await assertWhole({ path, download });
    assert.ok(download.received.peers > 0);
  }
  const sent = nodes.reduce((sum, { download }) => sum + download.received.seeders, 0);
  assert.equal(sent, blob.bytes.length);
});

test("nodes that come when all is there share what the seeder gives", async (t) => {
  const { growing, node } = await benchOf(t);
  await growing.grow();
  const { torrent } = growing;
  // The first one takes nothing before all of them have met: it would have all before the last comes.
  const met = Promise.withResolvers<undefined>();
  const pieceHashes: typeof torrent.pieceHashes = async function* (options) {
    await abortable(met.promise, options.signal);
    yield* torrent.pieceHashes(options);
  };
  const come = () => node({ torrent: { ...torrent, pieceHashes } });
  const nodes = await Promise.all([come(), come(), come()]);
  await meeting(nodes, t);
  met.resolve(undefined);
  for (const one of nodes) await assertWhole(one);
  const sent = nodes.reduce((sum, { download }) => sum + download.received.seeders, 0);
  assert.ok(sent < 2 * blob.bytes.length, `${sent} bytes of the seeder`);
});

test("a growing torrent's seeder is a good source, and is known as one", async (t) => {
  const { growing, node } = await benchOf(t);
  const { download, swarm } = await node();
  assert.ok(await download.hasGoodSource(t));
  await growing.grow(2);
  await pieces(download, 2, t);
  assert.equal(download.received.seeders, 2 * pieceLength);
  const [status] = growing.seeder.status();
  assert.equal(status?.infoHash, growing.torrent.infoHash);
  assert.equal(status.bytesDone, 2 * pieceLength);
  assert.equal(swarm.status()[0]?.bytesDone, 2 * pieceLength);
});

test("a node that comes late gets what others have, and finds them by the tracker", async (t) => {
  const { growing, node } = await benchOf(t);
  const first = await node();
  await growing.grow(10);
  await pieces(first.download, 10, t);
  const late = await node({ peers: [] });
  await pieces(late.download, 10, t);
  assert.ok(late.download.received.peers > 0);
  await growing.grow();
  await Promise.all([first, late].map(assertWhole));
});

test("a blob that moves while it grows is served on, and to the end by those who let it go", async (t) => {
  const { bench, growing, node } = await benchOf(t);
  const early = await node();
  await growing.grow(5);
  await pieces(early.download, 5, t);
  await rename(growing.path, `${growing.path}-whole`);
  await growing.grow();
  await assertWhole(early);
  await growing.seed[Symbol.asyncDispose]();
  await growing.seed[Symbol.asyncDispose]();
  assert.deepEqual(growing.seeder.status(), []);
  assert.equal(bench.tracker.peersOf(growing.torrent.infoHash).length, 1);
  // Learnt of the seeder just before it had all, and comes just after.
  await assertWhole(await node());
});

test("a node whose last peer became whole and left gets the rest from it", async (t) => {
  const { growing, node } = await benchOf(t);
  await growing.grow();
  const first = await node();
  await assertWhole(first);
  const left = Promise.withResolvers<undefined>();
  const late = await node({
    peers: [{ host: "127.0.0.1", port: first.swarm.port }],
    torrent: { ...growing.torrent, pieceHashes: ({ signal }) => hashesInTwo(left.promise, signal) },
  });
  await growing.seeder[Symbol.asyncDispose]();
  await pieces(late.download, 2, t);
  // Its seeder, who tells hashes, vouches for what any node gives.
  assert.ok(await late.download.hasGoodSource(t));
  // What a store does with a blob that has arrived.
  await rename(first.path, `${first.path}-whole`);
  await first.download[Symbol.asyncDispose]();
  await rm(`${first.path}-whole`);
  left.resolve(undefined);
  await assertWhole(late);
  assert.ok(late.download.received.peers > 0);
});

/** The hashes of two pieces and, later, of all others. */
async function* hashesInTwo(
  later: Promise<undefined>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  yield blob.metainfo.pieceHashes.subarray(0, 40);
  await abortable(later, signal);
  yield blob.metainfo.pieceHashes.subarray(40);
}

test("nodes of a growing swarm do without one that leaves in the middle", async (t) => {
  const { growing, node } = await benchOf(t);
  const nodes = [await node(), await node(), await node()];
  for (const { download } of nodes) assert.ok(await download.hasGoodSource(t));
  await growing.grow(3);
  await nodes[0]?.swarm[Symbol.asyncDispose]();
  await growing.grow();
  await Promise.all(nodes.slice(1).map(assertWhole));
});

test("pieces that an earlier try left are kept once their hashes are known", async (t) => {
  const { growing, node } = await benchOf(t);
  const first = await node();
  await growing.grow(7);
  await pieces(first.download, 7, t);
  await first.download[Symbol.asyncDispose]();
  const again = await node({ path: first.path });
  await pieces(again.download, 7, t);
  assert.deepEqual(again.download.received, { peers: 0, seeders: 0, webSeeds: 0, origin: 0 });
  await growing.grow();
  await assertWhole(again);
});
