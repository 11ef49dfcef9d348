import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";

import Server from "bittorrent-tracker/server";

import { encodeBencode } from "../bencode.ts";
import { InvalidArgumentError } from "../errors.ts";
import { infoHashOf } from "../info-hash.ts";
import { type PeerAddress, formatPeerAddress } from "../peer-address.ts";
import { createPeerId } from "../peer-id.ts";
import type { AnnouncedTorrent } from "../ports/announcer.ts";
import { SystemClock } from "../system/system-clock.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { TrackerAnnouncer } from "./tracker-announcer.ts";

/** bittorrent-tracker's own server. */
async function stockTracker(t: TestContext, kind: "http" | "udp") {
  const server = new Server({
    http: kind === "http",
    udp: kind === "udp",
    ws: false,
    stats: false,
  });
  cleanUpOf(t).defer(() => new Promise<void>((resolve) => server.close(resolve)));
  const hosts = { http: "127.0.0.1", udp: "127.0.0.1", udp6: "::1" };
  await new Promise<void>((resolve) => server.listen(0, hosts, resolve));
  const bound = (kind === "http" ? server.http : server.udp4)?.address() as AddressInfo;
  const url =
    kind === "http" ? `http://127.0.0.1:${bound.port}/announce` : `udp://127.0.0.1:${bound.port}`;
  return { server, url };
}

async function httpTracker(
  t: TestContext,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(handle).listen(0, "127.0.0.1");
  await once(server, "listening", t);
  cleanUpOf(t).defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`;
}

async function udpTracker(
  t: TestContext,
  answer: (packet: Buffer) => Buffer | undefined,
): Promise<string> {
  const socket = createSocket("udp4");
  socket.on("message", (packet, { port, address }) => {
    const answered = answer(packet);
    if (answered) socket.send(answered, port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening", t);
  cleanUpOf(t).defer(() => socket.close());
  return `udp://127.0.0.1:${socket.address().port}`;
}

function announcerOf(t: TestContext, trackers: readonly string[]) {
  const deps = { clock: new SystemClock(), logger: new MemoryLogger(), peerId: createPeerId() };
  const place = { region: "eu", zone: "eu-1" };
  const announcer = cleanUpOf(t).use(new TrackerAnnouncer({ ...deps, trackers, place }));
  return announcer;
}

/** A torrent, and the first peers that it hears of. */
function torrentOf(port: number, left: number) {
  const found = Promise.withResolvers<readonly PeerAddress[]>();
  const torrent: AnnouncedTorrent = {
    infoHash: infoHashOf(Buffer.from("torrent")),
    port,
    left: () => left,
    uploaded: () => 0,
    downloaded: () => 0,
    onPeers: (peers) => {
      const others = peers.filter((peer) => peer.port !== port);
      if (others.length > 0) found.resolve(others);
    },
  };
  return { torrent, found: found.promise };
}

for (const kind of ["http", "udp"] as const) {
  test(`two announcers find each other by a stock ${kind} tracker, and leave it`, async (t) => {
    const { server, url } = await stockTracker(t, kind);
    const [seeder, leecher] = [announcerOf(t, [url]), announcerOf(t, [url])];
    const started = once(server, "start", t);
    seeder.announce(torrentOf(7001, 0).torrent);
    await started;
    const { torrent, found } = torrentOf(7002, 5);
    const announcement = leecher.announce(torrent);
    assert.deepEqual(
      (await found).map(({ port }) => port),
      [7001],
    );
    const completed = once(server, "complete", t);
    announcement.completed();
    await completed;
    const stopped = once(server, "stop", t);
    await announcement[Symbol.asyncDispose]();
    await stopped;
    const last = once(server, "stop", t);
    await seeder[Symbol.asyncDispose]();
    await last;
  });
}

test("trackers that are down, hang, or talk nonsense delay no other", async (t) => {
  const { server, url } = await stockTracker(t, "http");
  const garbage = Buffer.from("<html>no tracker here</html>");
  const down = await httpTracker(t, () => undefined);
  const trackers = [
    "http://127.0.0.1:1/announce",
    "udp://127.0.0.1:1",
    "http://does-not-exist.invalid/announce",
    "udp://does-not-exist.invalid:1",
    down,
    await httpTracker(t, (_request, response) => void response.end(garbage)),
    await httpTracker(t, (_request, response) => void response.writeHead(500).end()),
    await httpTracker(t, (request) => void request.socket.destroy()),
    await httpTracker(t, (_request, response) => void response.end(Buffer.alloc(1024 * 1024))),
    await udpTracker(t, () => undefined),
    await udpTracker(t, () => garbage),
    await udpTracker(t, (packet) => Buffer.concat([packet.subarray(8), garbage])),
    url,
  ];
  const [seeder, leecher] = [announcerOf(t, trackers), announcerOf(t, trackers)];
  const started = once(server, "start", t);
  seeder.announce(torrentOf(7001, 0).torrent);
  await started;
  const { torrent, found } = torrentOf(7002, 5);
  leecher.announce(torrent);
  assert.deepEqual((await found).map(formatPeerAddress), ["127.0.0.1:7001"]);
  // Hanging goodbyes are cut: the test's own time limit would show it.
  const startMs = performance.now();
  await Promise.all([seeder, leecher].map((announcer) => announcer[Symbol.asyncDispose]()));
  assert.ok(performance.now() - startMs < 5000);
});

test("peers of each tracker are told of as they come", async (t) => {
  const answerWith = (peer: string) => (_request: IncomingMessage, response: ServerResponse) =>
    void response.end(encodeBencode({ interval: 600, peers: Buffer.from(peer, "hex") }));
  const trackers = [
    await httpTracker(t, answerWith("0a0000010001")),
    await httpTracker(t, answerWith("0a0000020002")),
  ];
  const hosts = new Set<string>();
  const both = Promise.withResolvers<undefined>();
  announcerOf(t, trackers).announce({
    ...torrentOf(7001, 5).torrent,
    onPeers: (peers) => {
      for (const { host } of peers) hosts.add(host);
      if (hosts.size === 2) both.resolve(undefined);
    },
  });
  await both.promise;
  assert.deepEqual([...hosts].sort(), ["10.0.0.1", "10.0.0.2"]);
});

test("a thousand torrents are announced over few connections", async (t) => {
  const connections = new Set<unknown>();
  const infoHashes = new Set<string>();
  const all = Promise.withResolvers<undefined>();
  const url = await httpTracker(t, (request, response) => {
    connections.add(request.socket);
    infoHashes.add(/info_hash=([^&]*)/.exec(request.url ?? "")?.[1] ?? "");
    if (infoHashes.size === 1000) all.resolve(undefined);
    response.end(encodeBencode({ interval: 600, peers: "" }));
  });
  const announcer = announcerOf(t, [url]);
  for (let index = 0; index < 1000; index++) {
    const infoHash = infoHashOf(Buffer.from(String(index)));
    announcer.announce({ ...torrentOf(7001, 0).torrent, infoHash });
  }
  await all.promise;
  assert.ok(connections.size <= 4, String(connections.size));
});

test("a UDP tracker that was restarted is announced to with a new connection", async (t) => {
  // Connection ids are of the run; announces with another one are refused.
  let run = 1;
  const events: string[] = [];
  const clock = new SystemClock();
  let skipMs = 0;
  const restarted = Promise.withResolvers<undefined>();
  const url = await udpTracker(t, (packet) => {
    const transaction = packet.subarray(12, 16);
    if (packet.readUInt32BE(8) === 0) {
      return Buffer.concat([Buffer.alloc(4), transaction, Buffer.alloc(8, run)]);
    }
    if (packet[0] !== run) return Buffer.concat([Buffer.from([0, 0, 0, 3]), transaction]);
    const event = `${run} ${packet.readUInt32BE(80)} ${packet.toString("hex", 16, 18)}`;
    // On a busy machine a packet is sent again that was answered already.
    if (!events.includes(event)) events.push(event);
    if (events.filter((event) => event.startsWith("2")).length === 2) restarted.resolve(undefined);
    const numbers = Buffer.from("00000e1000000000000000000a0000010001", "hex");
    return Buffer.concat([Buffer.from([0, 0, 0, 1]), transaction, numbers]);
  });
  const announcer = cleanUpOf(t).use(
    new TrackerAnnouncer({
      clock: { now: () => clock.now(), monotonicMs: () => clock.monotonicMs() + skipMs },
      logger: new MemoryLogger(),
      peerId: createPeerId(),
      trackers: [url],
    }),
  );
  const infoHashes = ["a", "b"].map((text) => infoHashOf(Buffer.from(text)));
  const joined = infoHashes.map((infoHash) => {
    const { torrent, found } = torrentOf(7001, 0);
    return { announcement: announcer.announce({ ...torrent, infoHash }), found };
  });
  await Promise.all(joined.map(({ found }) => found));
  run = 2;
  skipMs = 20_000;
  joined[0]?.announcement.hurry();
  await restarted.promise;
  const [a, b] = infoHashes.map((infoHash) => infoHash.slice(0, 4));
  assert.deepEqual(events, [
    `1 2 ${a ?? ""}`,
    `1 2 ${b ?? ""}`,
    `2 0 ${a ?? ""}`,
    `2 2 ${b ?? ""}`,
  ]);
});

test("URLs that no tracker can have are refused, without showing them", () => {
  const deps = { clock: new SystemClock(), logger: new MemoryLogger(), peerId: createPeerId() };
  for (const url of ["", "x", "ws://secret/announce", "udp://secret", "ftp://secret"]) {
    assert.throws(
      () => new TrackerAnnouncer({ ...deps, trackers: [url] }),
      (error) => error instanceof InvalidArgumentError && !error.message.includes("secret"),
    );
  }
});
