import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";

import Client from "bittorrent-tracker/client";

import { type BencodeValue, decodeBencode, isDictionary } from "../core/bencode.ts";
import { decodeCompactPeers } from "../core/compact-peers.ts";
import { encodeMetainfo, metainfoLengthMax, parseMetainfo } from "../core/metainfo.ts";
import { formatPeerAddress } from "../core/peer-address.ts";
import { createPeerId } from "../core/peer-id.ts";
import { SystemClock } from "../core/system/system-clock.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { parseTrackerConfig } from "./config.ts";
import { type Tracker, startTracker } from "./service.ts";

const listen = 'listen: {http: "127.0.0.1:0", udp: "127.0.0.1:0"}\n';

async function start(t: TestContext, config = ""): Promise<Tracker & { readonly url: string }> {
  const parsed = parseTrackerConfig(config.includes("listen:") ? config : listen + config, "test");
  const deps = { logger: new MemoryLogger(), clock: new SystemClock() };
  const tracker = cleanUpOf(t).use(await startTracker(parsed, deps, t));
  const host = tracker.http.host.includes(":") ? `[${tracker.http.host}]` : tracker.http.host;
  return { ...tracker, url: `http://${host}:${tracker.http.port}` };
}

/** The query of an announce of one torrent by the peer on `port`. */
function announceQuery(port: number, more: Readonly<Record<string, string | number>> = {}): string {
  const parameters = { port, left: 0, compact: 1, ...more };
  const rest = Object.entries(parameters).map(([key, value]) => `${key}=${value}`);
  return ["info_hash=aaaaaaaaaaaaaaaaaaaa", "peer_id=bbbbbbbbbbbbbbbbbbbb", ...rest].join("&");
}

async function announce(url: string, query: string): Promise<ReadonlyMap<string, BencodeValue>> {
  const response = await fetch(`${url}/announce?${query}`);
  const answer = decodeBencode(Buffer.from(await response.arrayBuffer()));
  assert.ok(isDictionary(answer));
  return answer;
}

function peersIn(answer: ReadonlyMap<string, BencodeValue>, key = "peers", family: 4 | 6 = 4) {
  const peers = answer.get(key);
  assert.ok(peers instanceof Uint8Array);
  return decodeCompactPeers(peers, { family, countMax: 100 });
}

function failureIn(answer: ReadonlyMap<string, BencodeValue>): string {
  const reason = answer.get("failure reason");
  return reason instanceof Uint8Array ? Buffer.from(reason).toString() : "";
}

/** The stock client in a swarm of its own. */
function stockClient(t: TestContext, announceUrl: string, port: number): Client {
  const infoHash = "c".repeat(40);
  const client = new Client({
    ...{ infoHash, port, wrtc: false },
    announce: [announceUrl],
    peerId: createPeerId(),
  });
  cleanUpOf(t).defer(() => new Promise<void>((resolve) => client.destroy(resolve)));
  return client;
}

for (const kind of ["http", "udp"] as const) {
  test(`stock clients find each other over ${kind}, scrape, and say goodbye`, async (t) => {
    const tracker = await start(t);
    const udpUrl = `udp://127.0.0.1:${tracker.udp?.port ?? 0}`;
    const announceUrl = kind === "udp" ? udpUrl : `${tracker.url}/announce`;
    const seeder = stockClient(t, announceUrl, 7001);
    const leecher = stockClient(t, announceUrl, 7002);
    seeder.start({ left: 0 });
    await once(seeder, "update", t);
    leecher.start({ left: 100 });
    assert.deepEqual(await once(leecher, "peer", t), ["127.0.0.1:7001"]);
    leecher.scrape();
    const [scrape] = (await once(leecher, "scrape", t)) as [Record<string, unknown>];
    assert.deepEqual([scrape["complete"], scrape["incomplete"]], [1, 1]);
    leecher.complete();
    const [update] = (await once(leecher, "update", t)) as [Record<string, unknown>];
    assert.deepEqual([update["complete"], update["incomplete"]], [2, 0]);
    seeder.stop();
    await once(seeder, "update", t);
    const status = (await (await fetch(`${tracker.url}/v1/status`)).json()) as {
      swarms: { peers: number }[];
    };
    assert.deepEqual(
      status.swarms.map(({ peers }) => peers),
      [1],
    );
  });
}

test("an announce is answered with peers in the form and of the families that BEP 3, 7 and 23 want", async (t) => {
  const tracker = await start(t, 'listen: {http: "[::]:0", udp: false}');
  const v4 = `http://127.0.0.1:${tracker.http.port}`;
  const v6 = `http://[::1]:${tracker.http.port}`;
  await announce(v4, announceQuery(7001));
  await announce(v6, announceQuery(7002));
  const answer = await announce(v4, announceQuery(7003, { left: 1 }));
  assert.deepEqual(peersIn(answer), [{ host: "127.0.0.1", port: 7001 }]);
  assert.deepEqual(peersIn(answer, "peers6", 6), [{ host: "::1", port: 7002 }]);
  const list = (await announce(v4, announceQuery(7003, { left: 1, compact: 0 }))).get("peers");
  assert.ok(Array.isArray(list));
  const texts = list.filter(isDictionary).map((peer) => {
    const [ip, id] = [peer.get("ip"), peer.get("peer id")] as Uint8Array[];
    return [Buffer.from(ip ?? []).toString(), Buffer.from(id ?? []).toString(), peer.get("port")];
  });
  assert.deepEqual(texts.sort(), [
    ["127.0.0.1", "b".repeat(20), 7001],
    ["::1", "b".repeat(20), 7002],
  ]);
});

test("peers over UDP on IPv6 are told of IPv6 peers, in their length", async (t) => {
  const tracker = await start(t, 'listen: {http: "[::]:0", udp: "[::]:0"}');
  await announce(`http://[::1]:${tracker.http.port}`, announceQuery(7001));
  await announce(`http://127.0.0.1:${tracker.http.port}`, announceQuery(7002));
  for (const [host, length, type] of [
    ["::1", 18, "udp6"],
    ["127.0.0.1", 6, "udp4"],
  ] as const) {
    const socket = createSocket(type);
    cleanUpOf(t).defer(() => socket.close());
    const ask = async (packet: Buffer): Promise<Buffer> => {
      socket.send(packet, tracker.udp?.port ?? 0, host);
      const [answer] = (await once(socket, "message", t)) as [Buffer];
      return answer;
    };
    const connected = await ask(Buffer.from("00000417271019800000000000000001", "hex"));
    const packet = Buffer.alloc(98);
    packet.set(connected.subarray(8, 16));
    packet.set([0, 0, 0, 1, 0, 0, 0, 2], 8);
    packet.fill("a", 16, 36);
    packet.writeUInt32BE(1, 68);
    packet.set([10, 9, 8, 7], 84);
    packet.writeUInt16BE(7003, 96);
    const peers = (await ask(packet)).subarray(20);
    assert.ok(peers.length % length === 0 && peers.length > 0);
    const told = decodeCompactPeers(peers, { family: length === 18 ? 6 : 4, countMax: 10 });
    assert.ok(told.every((peer) => peer.host === host));
  }
});

test("a peer is where its socket is, unless its word is trusted", async (t) => {
  const claims = async (config: string) => {
    const { url } = await start(t, config);
    await announce(url, announceQuery(7001, { ip: "10.1.2.3" }));
    return peersIn(await announce(url, announceQuery(7002, { left: 1 })));
  };
  assert.deepEqual(await claims(""), [{ host: "127.0.0.1", port: 7001 }]);
  const trusted = await claims("announce: {trustIpParameter: true}");
  assert.deepEqual(trusted, [{ host: "10.1.2.3", port: 7001 }]);
});

test("a peer may say by which address of another family it is reached, if it is trusted", async (t) => {
  const claims = async (config: string) => {
    const { url } = await start(t, config);
    await announce(url, announceQuery(7001, { ipv6: "fd00::1" }));
    await announce(url, announceQuery(7003, { ipv6: "[fd00::3]:7004" }));
    await announce(url, announceQuery(7005, { ipv6: "fd00::1%eth0" }));
    const other = announceQuery(7002, { left: 1 }).replace("peer_id=b", "peer_id=c");
    const answer = await announce(url, other);
    return answer.has("peers6") ? peersIn(answer, "peers6", 6).map(formatPeerAddress).sort() : [];
  };
  assert.deepEqual(await claims(""), []);
  const trusted = await claims("announce: {trustIpParameter: true}");
  assert.deepEqual(trusted, ["[fd00::1]:7001", "[fd00::3]:7004"]);
});

test("only torrents of the directory are taken where that is wanted", async (t) => {
  const { url } = await start(t, "announce: {onlyDirectory: true}");
  const { metainfo, digest } = blobFixture(1000);
  const hash = metainfo.infoHash.replace(/../g, "%$&");
  const query = announceQuery(7001).replace("aaaaaaaaaaaaaaaaaaaa", hash);
  assert.match(failureIn(await announce(url, query)), /not in the directory/);
  const body = encodeMetainfo(metainfo);
  await fetch(`${url}/v1/metainfo/${digest}`, { method: "PUT", body });
  assert.equal(failureIn(await announce(url, query)), "");
});

test("hostile announces are refused and leave nothing behind", async (t) => {
  const { url } = await start(t);
  const queries = ["", "info_hash=abc", "%", "info_hash=%ff%fe&peer_id=%zz", "&=&&info_hash"];
  queries.push(announceQuery(0), announceQuery(70_000), announceQuery(-1), "a=".repeat(5000));
  queries.push(announceQuery(1).replace("info_hash", "info_hash=x&info_hash"));
  for (const query of queries) {
    assert.notEqual(failureIn(await announce(url, query)), "", query.slice(0, 40));
  }
  const odd = announceQuery(7001, { numwant: -5, left: "NaN", event: "__proto__", compact: 7 });
  assert.equal(failureIn(await announce(url, odd)), "");
  const status = (await (await fetch(`${url}/v1/status`)).json()) as { swarms: unknown[] };
  assert.equal(status.swarms.length, 1);
});

test("the directory gives what was published, with its peers, seeders first", async (t) => {
  const { url } = await start(t);
  const { metainfo, digest } = blobFixture(3_000_000);
  const route = `${url}/v1/metainfo/${digest}`;
  assert.equal((await fetch(route)).status, 404);
  const put = () => fetch(route, { method: "PUT", body: encodeMetainfo(metainfo) });
  assert.equal((await put()).status, 201);
  assert.equal((await put()).status, 200);
  const hash = metainfo.infoHash.replace(/../g, "%$&");
  for (const [port, left] of [
    [7001, 5],
    [7002, 0],
    [7003, 5],
  ] as const) {
    await announce(url, announceQuery(port, { left }).replace("aaaaaaaaaaaaaaaaaaaa", hash));
  }
  const response = await fetch(route);
  assert.equal(response.headers.get("content-type"), "application/x-bittorrent");
  assert.match(response.headers.get("x-shoal-generation") ?? "", /^[0-9a-f]{32}$/);
  const bytes = Buffer.from(await response.arrayBuffer());
  assert.deepEqual(parseMetainfo(bytes), metainfo);
  const torrent = decodeBencode(bytes);
  assert.ok(isDictionary(torrent));
  const announceUrl = torrent.get("announce");
  assert.ok(announceUrl instanceof Uint8Array);
  assert.equal(Buffer.from(announceUrl).toString(), `${url}/announce`);
  const peers = torrent.get("x-peers");
  assert.ok(Array.isArray(peers));
  const texts = peers.map((peer) => Buffer.from(peer as Uint8Array).toString());
  assert.equal(texts[0], "127.0.0.1:7002");
  assert.deepEqual(texts.slice(1).sort(), ["127.0.0.1:7001", "127.0.0.1:7003"]);
  assert.equal((await fetch(`${route}?refused=${metainfo.infoHash}`)).status, 404);
  const head = await fetch(route, { method: "HEAD" });
  assert.equal(head.headers.get("content-length"), String(bytes.length));
});

test("webtorrent's parser reads a torrent of the directory", async (t) => {
  const { url } = await start(t);
  const { metainfo, digest } = blobFixture(1_000_000);
  const route = `${url}/v1/metainfo/${digest}`;
  await fetch(route, { method: "PUT", body: encodeMetainfo(metainfo) });
  // A part of webtorrent, without types.
  const parser: string = "parse-torrent";
  const { default: parseTorrent } = (await import(parser)) as {
    default: (bytes: Uint8Array) => Promise<Record<string, unknown>>;
  };
  const torrent = await parseTorrent(new Uint8Array(await (await fetch(route)).arrayBuffer()));
  assert.equal(torrent["infoHash"], metainfo.infoHash);
  assert.equal(torrent["length"], 1_000_000);
  assert.equal(torrent["name"], digest);
});

test("the directory refuses bad digests, foreign or long metainfo, and other methods", async (t) => {
  const { url } = await start(t);
  const { metainfo, digest } = blobFixture(1000);
  const statusOf = async (path: string, init?: RequestInit) =>
    (await fetch(`${url}/v1/metainfo/${path}`, init)).status;
  const put = (body: Uint8Array, to: string = digest) => statusOf(to, { method: "PUT", body });
  assert.equal(await statusOf("sha256:abc"), 400);
  assert.equal(await statusOf("%ff"), 400);
  assert.equal(await statusOf(`${digest}?refused=abc`), 400);
  assert.equal(await statusOf(`${digest}?${"refused=a&".repeat(9)}`), 400);
  assert.equal(await statusOf(digest, { method: "DELETE" }), 405);
  assert.equal(await put(Buffer.from("d4:infodee")), 400);
  assert.equal(await put(encodeMetainfo(metainfo), blobFixture(1000, "other").digest), 400);
  assert.equal(await put(Buffer.alloc(metainfoLengthMax + 1)), 413);
  const response = await fetch(`${url}/v1/metainfo/x`);
  assert.deepEqual(await response.json(), {
    error: { code: "invalid_argument", message: 'Cannot parse digest "x"' },
  });
  assert.equal((await fetch(`${url}/nowhere`)).status, 404);
});

test("a body without a length is cut when it is too long", async (t) => {
  const { http } = await start(t);
  const socket = connect(http.port, http.host);
  cleanUpOf(t).defer(() => socket.destroy());
  socket.on("error", () => undefined);
  const { digest } = blobFixture(1000);
  socket.write(
    `PUT /v1/metainfo/${digest} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`,
  );
  const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
  for (let count = 0; count < 8; count++) socket.write(chunk);
  const [answer] = (await once(socket, "data", t)) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1.1 413 /);
  await once(socket, "close", t);
});

test("publishing wants the token, where there is one", async (t) => {
  const { url } = await start(t, "directory: {publishToken: 0123456789abcdef}");
  const { metainfo, digest } = blobFixture(1000);
  const put = async (authorization?: string) => {
    const headers: Record<string, string> = authorization ? { authorization } : {};
    const body = encodeMetainfo(metainfo);
    return (await fetch(`${url}/v1/metainfo/${digest}`, { method: "PUT", body, headers })).status;
  };
  assert.equal(await put(), 401);
  assert.equal(await put("Bearer 0123456789abcdeg"), 401);
  assert.equal(await put("Bearer 0123456789abcdef"), 201);
});

test("a tracker with a folder remembers over a restart and is the same run; one without is another", async (t) => {
  const folder = testFolder(t, "tracker");
  const { metainfo, digest } = blobFixture(1000);
  for (const [config, remembers] of [
    [`directory: {path: ${folder}}`, true],
    ["", false],
  ] as const) {
    const first = await start(t, config);
    const body = encodeMetainfo(metainfo);
    const published = await fetch(`${first.url}/v1/metainfo/${digest}`, { method: "PUT", body });
    await first[Symbol.asyncDispose]();
    const second = await start(t, config);
    const found = await fetch(`${second.url}/v1/metainfo/${digest}`);
    assert.equal(found.status, remembers ? 200 : 404);
    const runs = [published, found].map(({ headers }) => headers.get("x-shoal-generation"));
    assert.deepEqual(runs, [first.generation, second.generation]);
    assert.equal(runs[0] === runs[1], remembers);
  }
});

test("a tracker that cannot start leaves nothing open", async (t) => {
  const { http, udp } = await start(t);
  const taken = `127.0.0.1:${http.port}`;
  await assert.rejects(start(t, `listen: {http: "${taken}", udp: "127.0.0.1:0"}`), {
    code: "unavailable",
    message: `Cannot listen on ${taken}: the port is taken`,
  });
  const takenByUdp = `127.0.0.1:${udp?.port}`;
  await assert.rejects(start(t, `listen: {http: "127.0.0.1:0", udp: "${takenByUdp}"}`), {
    code: "unavailable",
    message: `Cannot listen on ${takenByUdp} by UDP: the port is taken`,
  });
  const aborted = { signal: AbortSignal.abort() };
  const deps = { logger: new MemoryLogger(), clock: new SystemClock() };
  await assert.rejects(startTracker(parseTrackerConfig(listen, "test"), deps, aborted), {
    name: "AbortError",
  });
});

test("a tracker answers that it is well", async (t) => {
  const { url } = await start(t);
  const response = await fetch(`${url}/healthz`);
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { status: "ok" });
});
