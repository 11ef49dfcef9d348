import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";

import type { Download } from "../ports/swarm.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { GrowingFixture } from "./growing-blob.test-support.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";

const mebibyte = 1024 * 1024;
const blob = blobFixture(4 * mebibyte + 77);
const { pieceCount, pieceLength } = blob.metainfo.layout;

/** A seeder that receives the blob, and nodes that download it, each with the path of its file. */
async function crowd(t: TestContext, options: { readonly nodes: number }) {
  const bench = await SwarmBench.create(openTestSwarm({ stallBoundMs: 2500 }), t);
  const growing = await GrowingFixture.create(bench, blob, t);
  const peers = [{ host: "127.0.0.1", port: growing.seeder.port }];
  const downloads: { readonly path: string; readonly download: Download }[] = [];
  for (let node = 0; node < options.nodes; node++) {
    const path = await growing.target(bench, `node-${node}`);
    const { torrent } = growing;
    const wanted = { torrent, path, peers, webSeeds: [] };
    downloads.push({ path, download: bench.download(await bench.node(), wanted) });
  }
  return { bench, growing, downloads };
}

test("a node gets the pieces of a blob while its seeder receives them", async (t) => {
  const { growing, downloads } = await crowd(t, { nodes: 1 });
  const [node] = downloads;
  assert.ok(node);
  const { download, path } = node;
  await growing.grow(3);
  await download.ready({ start: 0, end: 3 * pieceLength }, t);
  assert.equal(download.availableEnd(0), 3 * pieceLength);
  const { metainfo } = download;
  assert.equal(metainfo, undefined);
  await growing.grow();
  await download.whole();
  assert.deepEqual(await readFile(path), blob.bytes);
  assert.equal(download.metainfo?.infoHash, blob.metainfo.infoHash);
  assert.equal(download.received.seeders, blob.bytes.length);
});

test("nodes of a growing swarm get each piece from one another, and once from the seeder", async (t) => {
  const { growing, downloads } = await crowd(t, { nodes: 2 });
  await Promise.all(downloads.map(({ download }) => download.hasGoodSource(t)));
  for (let index = 0; index < pieceCount; index++) {
    await growing.grow(1);
    const range = { start: 0, end: Math.min(blob.bytes.length, (index + 1) * pieceLength) };
    await Promise.all(downloads.map(({ download }) => download.ready(range, t)));
  }
  for (const { download, path } of downloads) {
    await download.whole();
    assert.deepEqual(await readFile(path), blob.bytes);
    assert.equal(download.metainfo?.infoHash, blob.metainfo.infoHash);
    assert.ok(download.received.seeders < blob.bytes.length);
    assert.ok(download.received.peers > 0);
  }
  const sent = downloads.reduce((sum, { download }) => sum + download.received.seeders, 0);
  assert.equal(sent, blob.bytes.length);
});
