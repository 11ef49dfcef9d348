import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";

import { pause } from "../async/pause.ts";
import { DigestMismatchError, MetainfoError, UnavailableError } from "../errors.ts";
import { type GrowingTorrent, growingInfoHash } from "../growing-torrent.ts";
import type { PeerAddress } from "../peer-address.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { GrowingFixture } from "./growing-blob.test-support.ts";
import { encodeHandshake } from "./handshake.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";
import { greeting, hangsUp, honestly, scriptedPeer } from "./scripted-peer.test-support.ts";
import { encodeBitfield, encodeHave } from "./wire-message.ts";

const blob = blobFixture(2 * 1024 * 1024 + 77);
const { layout, pieceHashes } = blob.metainfo;

/** Longer than any test takes: for those in which a download has to end well. */
const patient = { stallBoundMs: 20_000 };

async function benchOf(t: TestContext, { stallBoundMs = 2500 } = {}) {
  const bench = await SwarmBench.create(openTestSwarm({ stallBoundMs }), t);
  const growing = await GrowingFixture.create(bench, blob, t);
  const address = { host: "127.0.0.1", port: growing.seeder.port };
  let nodes = 0;
  const node = async (torrent: GrowingTorrent, peers: readonly PeerAddress[] = [address]) => {
    const path = await growing.target(bench, `node-${++nodes}`);
    const swarm = await bench.node();
    return { path, download: bench.download(swarm, { torrent, path, peers, webSeeds: [] }) };
  };
  return { bench, growing, node, address };
}

test("a download fails within the stall bound when its seeder is lost in the middle", async (t) => {
  // Time for both to have the first pieces on a busy machine.
  const { growing, node } = await benchOf(t, { stallBoundMs: 6000 });
  const nodes = [await node(growing.torrent), await node(growing.torrent)];
  await growing.grow(4);
  for (const { download } of nodes) {
    await download.ready({ start: 0, end: 4 * layout.pieceLength }, t);
  }
  const waiting = nodes.map(({ download }) => download.ready({ start: 0, end: layout.size }, t));
  await growing.seed[Symbol.asyncDispose]();
  await growing.seeder[Symbol.asyncDispose]();
  growing.cutHashes();
  await Promise.all([
    ...nodes.map(({ download }) => assert.rejects(download.whole(), UnavailableError)),
    ...waiting.map((ready) => assert.rejects(ready, UnavailableError)),
  ]);
  assert.ok(nodes.every(({ download }) => download.bytesDone === 4 * layout.pieceLength));
});

test("a download goes on when the stream of hashes breaks off", async (t) => {
  const { growing, node } = await benchOf(t, patient);
  const { download, path } = await node(growing.torrent);
  await growing.grow(4);
  await download.ready({ start: 0, end: 4 * layout.pieceLength }, t);
  growing.cutHashes();
  await growing.grow();
  await download.whole();
  assert.deepEqual(growing.opened, [0, 4]);
  assert.deepEqual(await readFile(path), blob.bytes);
});

test("a download whose seeder tells nothing fails within the stall bound", async (t) => {
  const { growing, node } = await benchOf(t);
  const { download } = await node(growing.torrent);
  await assert.rejects(download.whole(), UnavailableError);
});

test("a download fails when hashes come for ever and no piece does", async (t) => {
  const { growing, node } = await benchOf(t);
  let told = 0;
  // Far apart enough for all of them to take longer than the bound.
  const slowly: GrowingTorrent["pieceHashes"] = async function* ({ signal }) {
    for (; told < layout.pieceCount; told++) {
      yield pieceHashes.subarray(told * 20, told * 20 + 20);
      await pause(500, signal);
    }
  };
  const { download } = await node({ ...growing.torrent, pieceHashes: slowly }, []);
  await assert.rejects(download.whole(), UnavailableError);
  assert.ok(told < layout.pieceCount);
});

const lies = { "half a hash": 30, "more hashes than pieces": pieceHashes.length + 20 };
for (const [what, length] of Object.entries(lies)) {
  test(`a download fails when its seeder tells ${what}`, async (t) => {
    const { growing, node } = await benchOf(t, patient);
    const { download } = await node({
      ...growing.torrent,
      pieceHashes: async function* () {
        yield new Uint8Array(length);
      },
    });
    const ready = download.ready({ start: 0, end: 1 }, t);
    await Promise.all([
      assert.rejects(download.whole(), MetainfoError),
      assert.rejects(ready, MetainfoError),
    ]);
  });
}

test("hashes of another blob make no whole blob", async (t) => {
  const { growing, node } = await benchOf(t, patient);
  const { digest } = blobFixture(1, "another");
  const { download } = await node({ ...growing.torrent, digest });
  await growing.grow();
  await assert.rejects(download.whole(), DigestMismatchError);
});

test("grow() refuses what are no hashes, or too many", async (t) => {
  const { growing } = await benchOf(t);
  for (const length of [19, pieceHashes.length + 20]) {
    assert.throws(() => growing.seed.grow(new Uint8Array(length)), { code: "invalid_argument" });
  }
});

const infoHash = growingInfoHash({ digest: blob.digest, size: layout.size });
const asGrowing = { ...blob, metainfo: { ...blob.metainfo, infoHash } };

test("a peer that has more than the seeder told of is asked for that once its hash is known", async (t) => {
  const { growing, node } = await benchOf(t, patient);
  const asked: number[] = [];
  const honest = honestly(asGrowing);
  const peer = await scriptedPeer(t, asGrowing, {
    onRequest: (block, ...rest) => {
      asked.push(block.index);
      honest(block, ...rest);
    },
  });
  const { download, path } = await node(growing.torrent, [peer.address]);
  await growing.grow(3);
  await download.ready({ start: 0, end: 3 * layout.pieceLength }, t);
  assert.ok(asked.every((index) => index < 3));
  await growing.grow();
  await download.whole();
  assert.deepEqual(await readFile(path), blob.bytes);
});

const nonsense = {
  "a bitfield of another length": encodeBitfield(Buffer.alloc(99)),
  "a piece that the blob has not": encodeHave(4_000_000),
};
for (const [what, afterGreeting] of Object.entries(nonsense)) {
  test(`a blob arrives while it grows although a peer sends ${what}`, async (t) => {
    const { growing, node, address } = await benchOf(t, patient);
    const peer = await scriptedPeer(t, asGrowing, { onRequest: () => undefined, afterGreeting });
    const { download, path } = await node(growing.torrent, [peer.address, address]);
    await growing.grow();
    await download.whole();
    assert.deepEqual(await readFile(path), blob.bytes);
  });
}

test("a node that takes offers and asks for nothing holds no other up", async (t) => {
  const { growing, node, address } = await benchOf(t, patient);
  const idle = connect(address.port, address.host);
  cleanUpOf(t).defer(() => idle.destroy());
  idle.on("error", () => undefined).resume();
  idle.write(greeting(asGrowing, { whole: false }));
  const { download, path } = await node(growing.torrent);
  await download.hasGoodSource(t);
  await growing.grow();
  await download.whole();
  assert.deepEqual(await readFile(path), blob.bytes);
});

test("a stock client is not served from a growing torrent", async (t) => {
  const { growing, address } = await benchOf(t);
  await growing.grow();
  const peerId = Buffer.from("-qB4500-abcdefghijkl");
  const received = await hangsUp(address.port, encodeHandshake({ infoHash, peerId }));
  assert.equal(received.length, 0);
});
