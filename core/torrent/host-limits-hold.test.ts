import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";

import { HostLimits, type HostRates } from "../limits/host-limits.ts";
import { metered } from "../limits/metered.ts";
import type { Swarm } from "../ports/swarm.ts";
import { type BlobFixture, blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";

const mebibyte = 1024 * 1024;
const none: HostRates = { upload: 0, download: 0, origin: 0, preheat: 0 };

/** Bytes that may be taken beyond what was sent: of the turn under way, and of late blocks. */
const slack = 512 * 1024;

/** What a bucket gives at once after a rest, with what a turn may be early by. */
const burstMs = 150;

/** Serves ranges of a blob by HTTP. */
async function webSeedOf({ bytes }: BlobFixture, t: TestContext): Promise<string> {
  const server = createServer((request, response) => {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    if (!match) return void response.writeHead(200, { "content-length": bytes.length }).end();
    const [start, end] = [Number(match[1]), Number(match[2])];
    response.writeHead(206, { "content-range": `bytes ${start}-${end}/${bytes.length}` });
    response.end(bytes.subarray(start, end + 1));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUpOf(t).defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/blob`;
}

function addressOf({ port }: Swarm) {
  return { host: "127.0.0.1", port };
}

/** Reads bytes in this thread, as from an origin or for a client of HTTP. */
async function readHere(
  limits: HostLimits,
  { t, names, size }: { t: TestContext; names: readonly ("upload" | "download")[]; size: number },
): Promise<void> {
  async function* chunks() {
    for (let sent = 0; sent < size; sent += 65_536)
      yield Buffer.alloc(Math.min(65_536, size - sent));
  }
  const passage = limits.passage(names, { flow: "here" });
  for await (const part of metered(chunks(), { passage, signal: t.signal }))
    assert.ok(part.length > 0);
}

test("peers, a web seed and what this thread reads stay under one limit together", async (t) => {
  const limits = new HostLimits();
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const limited = await SwarmBench.create(openTestSwarm({ limits: limits.memory }), t);
  const [fromPeers, fromWebSeed] = [blobFixture(3 * mebibyte, "a"), blobFixture(3 * mebibyte, "b")];
  const seeders = [await bench.node(), await bench.node()];
  for (const seeder of seeders) bench.seed(seeder, await bench.seeded(fromPeers));
  const node = await limited.node();
  const rate = 4 * mebibyte;
  limits.set({ ...none, download: rate });
  const startMs = performance.now();
  const wanted = [
    await limited.wanted(fromPeers, { peers: seeders.map(addressOf) }),
    await limited.wanted(fromWebSeed, { webSeeds: [await webSeedOf(fromWebSeed, t)] }),
  ];
  const downloads = wanted.map((blob) => limited.download(node, blob));
  await Promise.all([
    ...downloads.map((download) => download.whole()),
    readHere(limits, { t, names: ["download"], size: 3 * mebibyte }),
  ]);
  const tookMs = performance.now() - startMs;
  assert.deepEqual(
    downloads.map(({ received }) => received),
    [
      { peers: 3 * mebibyte, seeders: 0, webSeeds: 0, origin: 0 },
      { peers: 0, seeders: 0, webSeeds: 3 * mebibyte, origin: 0 },
    ],
  );
  const { taken } = limits.state.download;
  assert.ok(taken >= 9 * mebibyte, `${taken}: all went through`);
  assert.ok(taken <= 9 * mebibyte + slack, `${taken}: once`);
  // However slow the machine is.
  assert.ok(tookMs >= (taken / rate) * 1000 - burstMs, `${tookMs}`);
  assert.equal(limits.state.upload.taken, 0);
});

test("what is given to peers and what this thread sends stay under one limit together", async (t) => {
  const limits = new HostLimits();
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const limited = await SwarmBench.create(openTestSwarm({ limits: limits.memory }), t);
  const blobs = [blobFixture(3 * mebibyte, "a"), blobFixture(3 * mebibyte, "b")];
  const node = await limited.node();
  for (const blob of blobs) limited.seed(node, await limited.seeded(blob));
  const rate = 4 * mebibyte;
  limits.set({ ...none, upload: rate });
  const startMs = performance.now();
  const downloads = blobs.map(async (blob) => {
    const wanted = await bench.wanted(blob, { peers: [addressOf(node)] });
    return bench.download(await bench.node(), wanted).whole();
  });
  await Promise.all([...downloads, readHere(limits, { t, names: ["upload"], size: 3 * mebibyte })]);
  const tookMs = performance.now() - startMs;
  const { taken } = limits.state.upload;
  assert.ok(taken >= 9 * mebibyte, `${taken}: all went through`);
  assert.ok(taken <= 9 * mebibyte + slack, `${taken}: once`);
  assert.ok(tookMs >= (taken / rate) * 1000 - burstMs, `${tookMs}`);
  assert.equal(limits.state.download.taken, 0);
});

test("a download goes on at once when the limit that holds it back is lifted", async (t) => {
  const limits = new HostLimits();
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const limited = await SwarmBench.create(openTestSwarm({ limits: limits.memory }), t);
  const blob = blobFixture(16 * mebibyte);
  const seeder = await bench.node();
  bench.seed(seeder, await bench.seeded(blob));
  limits.set({ ...none, download: 2 * mebibyte });
  const wanted = await limited.wanted(blob, { peers: [addressOf(seeder)] });
  const download = limited.download(await limited.node(), wanted);
  await download.ready({ start: 0, end: 2 * mebibyte }, t);
  assert.ok(download.bytesDone < 8 * mebibyte, `${download.bytesDone}`);
  limits.set(none);
  await download.whole();
});

test("a connection that is closed while it waits leaves the limit to others", async (t) => {
  const limits = new HostLimits();
  const bench = await SwarmBench.create(openTestSwarm({ limits: limits.memory }), t);
  const blob = blobFixture(16 * mebibyte);
  const seeder = await bench.node();
  bench.seed(seeder, await bench.seeded(blob));
  limits.set({ ...none, upload: 2 * mebibyte });
  const wanted = await bench.wanted(blob, { peers: [addressOf(seeder)] });
  const download = bench.download(await bench.node(), wanted);
  await download.ready({ start: 0, end: 1 }, t);
  await download[Symbol.asyncDispose]();
  const small = blobFixture(mebibyte, "small");
  bench.seed(seeder, await bench.seeded(small));
  const late = await bench.wanted(small, { peers: [addressOf(seeder)] });
  await bench.download(await bench.node(), late).whole();
  assert.ok(limits.state.upload.taken < 12 * mebibyte);
});

test("a blob that nobody waits for has a limit of its own until somebody does", async (t) => {
  const limits = new HostLimits();
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const limited = await SwarmBench.create(openTestSwarm({ limits: limits.memory }), t);
  const blobs = [blobFixture(16 * mebibyte, "a"), blobFixture(16 * mebibyte, "b")];
  const seeder = await bench.node();
  const node = await limited.node();
  limits.set({ ...none, preheat: mebibyte });
  const downloads = await Promise.all(
    blobs.map(async (blob) => {
      bench.seed(seeder, await bench.seeded(blob));
      const known = { peers: [addressOf(seeder)], isAhead: true };
      return limited.download(node, await limited.wanted(blob, known));
    }),
  );
  const [first, second] = downloads;
  // Who wants bytes of a blob waits for it.
  await first?.ready({ start: 0, end: 1 }, t);
  await first?.whole();
  second?.hasten();
  await second?.whole();
  assert.ok(limits.state.preheat.taken > 0);
  assert.ok(limits.state.preheat.taken < 16 * mebibyte, `${limits.state.preheat.taken}`);
});
