import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { type TestContext, test } from "node:test";

import { encodeAnnounceBatch } from "../core/announce-batch.ts";
import { TrackerAnnouncer } from "../core/announce/tracker-announcer.ts";
import { type BencodeValue, decodeBencode, isDictionary } from "../core/bencode.ts";
import { decodeCompactPeers } from "../core/compact-peers.ts";
import { type InfoHash, parseInfoHash } from "../core/info-hash.ts";
import { createPeerId } from "../core/peer-id.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import type { Place } from "../core/topology.ts";
import { SystemClock } from "../core/system/system-clock.ts";
import { ManualClock } from "../core/testing/manual-clock.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { parseTrackerConfig } from "./config.ts";
import { type Tracker, startTracker } from "./service.ts";

const logger = new MemoryLogger();
const torrents = Array.from({ length: 2000 }, (_, index) => infoHash(index));

/** Requests for 2,000 torrents: a few before batches are known, four batches, signs of life for a minute. */
const requestsMax = 100;

const portOfZone = { a: 7001, b: 7002 };

/** Length of the body of a batch without torrents. */
const heartbeatLength = encodeAnnounceBatch({
  peerId: createPeerId(),
  port: portOfZone.a,
  seeding: [],
  stopped: [],
}).length;

/** Milliseconds that anything may take: many times what it does on a busy machine. */
const patienceMs = 60_000;

function infoHash(index: number): InfoHash {
  return parseInfoHash(index.toString(16).padStart(40, "0"));
}

async function start(t: TestContext, clock: ManualClock, directory = "{}"): Promise<Tracker> {
  const listen = 'listen: {http: "127.0.0.1:0", udp: false}';
  const config = `${listen}\nannounce: {heartbeatMs: 1000}\ndirectory: ${directory}`;
  const tracker = cleanUpOf(t).use(
    await startTracker(parseTrackerConfig(config, "test"), { logger, clock }, t),
  );
  return tracker;
}

/** What is between a node and a tracker: counts requests, and may let none, or no batches, through. */
async function networkTo(t: TestContext, tracker: Tracker) {
  const network = {
    ...{ isCut: false, takesBatches: true, requests: 0, url: "", tracker },
    ...{ probed: () => {}, beaten: () => {}, refused: () => {} },
  };
  const server = createServer((incoming, answer) => {
    if (network.isCut) {
      if (incoming.method === "GET") network.probed();
      incoming.socket.destroy();
      return;
    }
    network.requests++;
    const { method, url: path, headers } = incoming;
    if (method === "POST" && !network.takesBatches) {
      incoming.resume().on("end", () => answer.writeHead(405).end());
      network.refused();
      return;
    }
    const forwarded = request({ ...network.tracker.http, path, method, headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 500, answered.headers);
      answered.pipe(answer);
      if (Number(headers["content-length"]) === heartbeatLength) network.beaten();
    });
    forwarded.on("error", () => answer.destroy());
    incoming.pipe(forwarded);
  });
  cleanUpOf(t).defer(() => server.close().closeAllConnections());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address);
  network.url = `http://127.0.0.1:${address.port}/announce`;
  return network;
}

/** A node that seeds all torrents, or the first of them. */
function announceAll(
  t: TestContext,
  url: string,
  {
    place,
    port = 7001,
    count = torrents.length,
  }: { readonly place?: Place; readonly port?: number; readonly count?: number } = {},
): TrackerAnnouncer {
  const deps = { trackers: [url], peerId: createPeerId(), clock: new SystemClock(), logger };
  const announcer = cleanUpOf(t).use(new TrackerAnnouncer({ ...deps, place }));
  for (const torrent of torrents.slice(0, count)) {
    announcer.announce({
      ...{ infoHash: torrent, port, onPeers: () => undefined },
      ...{ left: () => 0, uploaded: () => 0, downloaded: () => 0 },
    });
  }
  return announcer;
}

/** How many of the torrents a tracker knows a seeder of. */
async function seededAt({ http }: Tracker): Promise<number> {
  let seeded = 0;
  for (let at = 0; at < torrents.length; at += 50) {
    const asked = torrents.slice(at, at + 50).map((torrent) => torrent.replace(/../g, "%$&"));
    const query = asked.map((text) => `info_hash=${text}`).join("&");
    const response = await fetch(`http://127.0.0.1:${http.port}/scrape?${query}`);
    const answer = decodeBencode(Buffer.from(await response.arrayBuffer()));
    for (const counts of valuesIn(isDictionary(answer) ? answer.get("files") : undefined)) {
      if (isDictionary(counts) && counts.get("complete") === 1) seeded++;
    }
  }
  return seeded;
}

/** Port of the peer that somebody who lacks a torrent is told of first. */
async function firstToldAt(
  { http }: Tracker,
  { torrent, zone }: { readonly torrent: InfoHash; readonly zone: string },
): Promise<number | undefined> {
  const asker = `peer_id=${"b".repeat(20)}&port=7200&left=1&compact=1&place=eu/${zone}/`;
  const hash = torrent.replace(/../g, "%$&");
  const response = await fetch(`http://127.0.0.1:${http.port}/announce?info_hash=${hash}&${asker}`);
  const answer = decodeBencode(Buffer.from(await response.arrayBuffer()));
  const peers = isDictionary(answer) ? answer.get("peers") : undefined;
  assert.ok(peers instanceof Uint8Array);
  const [first] = decodeCompactPeers(peers, { family: 4, countMax: 1 });
  return first?.port;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const startedMs = performance.now();
  while (!(await holds())) assert.ok(performance.now() - startedMs < patienceMs, "waited in vain");
}

function valuesIn(value: BencodeValue | undefined): Iterable<BencodeValue> {
  return isDictionary(value) ? value.values() : [];
}

test("a node with 2,000 torrents announces them, again after the tracker's restart, and says goodbye, by few requests", async (t) => {
  const clock = new ManualClock();
  const first = await start(t, clock);
  const network = await networkTo(t, first);
  const announcer = announceAll(t, network.url);
  await until(async () => (await seededAt(first)) === torrents.length);
  assert.ok(network.requests <= requestsMax, `${network.requests} requests to begin with`);

  await first[Symbol.asyncDispose]();
  network.requests = 0;
  const second = await start(t, clock);
  network.tracker = second;
  await until(async () => (await seededAt(second)) === torrents.length);
  assert.ok(network.requests <= requestsMax, `${network.requests} requests after a restart`);

  network.requests = 0;
  await announcer[Symbol.asyncDispose]();
  assert.equal(await seededAt(second), 0);
  assert.ok(network.requests <= requestsMax, `${network.requests} requests for goodbyes`);
});

test("a node that is cut off is forgotten, and known in all of its swarms soon after it is back", async (t) => {
  const clock = new ManualClock();
  const tracker = await start(t, clock);
  const network = await networkTo(t, tracker);
  announceAll(t, network.url);
  await until(async () => (await seededAt(tracker)) === torrents.length);

  network.isCut = true;
  const cutMs = clock.monotonicMs();
  await until(async () => {
    clock.advance(300);
    return (await seededAt(tracker)) === 0;
  });
  const silentMs = clock.monotonicMs() - cutMs;
  assert.ok(silentMs < 60_000, `forgotten after ${silentMs} ms`);
  network.requests = 0;
  network.isCut = false;
  await until(async () => (await seededAt(tracker)) === torrents.length);
  assert.ok(network.requests <= requestsMax, `${network.requests} requests after it was back`);
});

test("a node that is forgotten while its batches are refused is known in all of its swarms soon after it is back", async (t) => {
  const clock = new ManualClock();
  const tracker = await start(t, clock);
  const network = await networkTo(t, tracker);
  announceAll(t, network.url, { count: 100 });
  await until(async () => (await seededAt(tracker)) === 100);

  const refused = new Promise<void>((resolve) => (network.refused = resolve));
  network.takesBatches = false;
  await refused;
  network.isCut = true;
  await until(async () => {
    clock.advance(300);
    return (await seededAt(tracker)) === 0;
  });
  network.isCut = false;
  await until(async () => (await seededAt(tracker)) === 100);
});

test("nodes that seed are near for those of their zones as soon as all is announced", async (t) => {
  const tracker = await start(t, new ManualClock());
  for (const [zone, port] of Object.entries(portOfZone)) {
    const network = await networkTo(t, tracker);
    // It has nothing to announce any more.
    const beaten = new Promise<void>((resolve) => (network.beaten = resolve));
    announceAll(t, network.url, { place: { region: "eu", zone }, port });
    await beaten;
  }
  // Those that were announced when it was not known yet that the tracker wants to know of places.
  for (const torrent of torrents.slice(0, 10)) {
    for (const [zone, port] of Object.entries(portOfZone)) {
      assert.equal(await firstToldAt(tracker, { torrent, zone }), port, `${torrent} in ${zone}`);
    }
  }
});

test("a node knows a tracker's restart that it found down by more than its directory's name", async (t) => {
  const path = testFolder(t);
  const directory = `{path: ${JSON.stringify(path)}}`;
  const first = await start(t, new ManualClock(), directory);
  const network = await networkTo(t, first);
  const announcer = announceAll(t, network.url);
  await until(async () => (await seededAt(first)) === torrents.length);

  // What is announced alone, by a node that announces together, is a probe.
  const probed = new Promise<void>((resolve) => (network.probed = resolve));
  network.isCut = true;
  await first[Symbol.asyncDispose]();
  await probed;
  network.tracker = await start(t, new ManualClock(), directory);
  network.isCut = false;
  await until(async () => (await seededAt(network.tracker)) === torrents.length);
  await announcer[Symbol.asyncDispose]();
});
