import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import {
  type AnnounceBatch,
  type AnnounceBatchAnswer,
  batchContentType,
  batchHeader,
  batchLengthMax,
  encodeAnnounceBatch,
  parseAnnounceBatchAnswer,
} from "../core/announce-batch.ts";
import { type BencodeValue, decodeBencode, isDictionary } from "../core/bencode.ts";
import { type InfoHash, parseInfoHash } from "../core/info-hash.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { fuzzInputs } from "../core/testing/fuzz.ts";
import { ManualClock } from "../core/testing/manual-clock.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { parseTrackerConfig } from "./config.ts";
import { startTracker } from "./service.ts";

const peerId = Buffer.from("-SH0001-abcdefghijkl");

/** Milliseconds that anything may take: many times what it does on a busy machine. */
const patienceMs = 60_000;

function infoHash(index: number): InfoHash {
  return parseInfoHash(index.toString(16).padStart(40, "0"));
}

function batchOf(parts: Partial<AnnounceBatch>): Buffer {
  return encodeAnnounceBatch({ peerId, port: 7001, seeding: [], stopped: [], ...parts });
}

async function start(t: TestContext, announce = "{}") {
  const logger = new MemoryLogger();
  const text = `listen: {http: "127.0.0.1:0", udp: false}\nannounce: ${announce}`;
  const clock = new ManualClock();
  const deps = { logger, clock };
  const tracker = cleanUpOf(t).use(await startTracker(parseTrackerConfig(text, "test"), deps, t));
  const url = `http://127.0.0.1:${tracker.http.port}`;
  const post = (body: Uint8Array, contentType = batchContentType) =>
    fetch(`${url}/announce`, { method: "POST", body, headers: { "content-type": contentType } });
  const send = async (parts: Partial<AnnounceBatch>): Promise<AnnounceBatchAnswer> =>
    parseAnnounceBatchAnswer(await dictionaryIn(await post(batchOf(parts))));
  const ask = async (torrent: InfoHash, port = 7002) => {
    const hash = torrent.replace(/../g, "%$&");
    const query = `info_hash=${hash}&peer_id=${"b".repeat(20)}&port=${port}&left=1&compact=1`;
    return fetch(`${url}/announce?${query}`);
  };
  const peersOf = async (torrent: InfoHash) => {
    const peers = (await dictionaryIn(await ask(torrent))).get("peers");
    return peers instanceof Uint8Array ? peers.length / 6 : undefined;
  };
  return { clock, logger, url, post, send, ask, peersOf };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const startedMs = performance.now();
  while (!(await holds())) assert.ok(performance.now() - startedMs < patienceMs, "waited in vain");
}

async function dictionaryIn(response: Response): Promise<ReadonlyMap<string, BencodeValue>> {
  assert.equal(response.status, 200);
  const value = decodeBencode(Buffer.from(await response.arrayBuffer()));
  assert.ok(isDictionary(value));
  return value;
}

test("a batch announces torrents and says goodbye to others; announces tell of batches", async (t) => {
  const { send, peersOf, ask } = await start(t);
  const torrents = Array.from({ length: 500 }, (_, index) => infoHash(index));
  const first = await send({ seeding: torrents });
  assert.deepEqual([first.heartbeatSeconds, first.refused], [15, []]);
  assert.ok(first.intervalSeconds >= 540 && first.intervalSeconds <= 660);
  assert.equal(await peersOf(infoHash(0)), 1);
  assert.equal(await peersOf(infoHash(499)), 1);
  const second = await send({ stopped: torrents.slice(0, 1) });
  assert.equal(second.admission, first.admission);
  assert.equal(await peersOf(infoHash(0)), 0);
  assert.equal((await ask(infoHash(0))).headers.get(batchHeader), "500");

  const last = await send({ stopped: torrents });
  assert.equal(last.admission, undefined);
  const again = await send({ seeding: torrents.slice(0, 1) });
  assert.notEqual(again.admission, first.admission);
});

test("a peer that leaves out its heartbeats is forgotten in all swarms; stock clients are not", async (t) => {
  const { clock, send, peersOf, ask } = await start(t);
  const { admission } = await send({ seeding: [infoHash(1), infoHash(2)] });
  await ask(infoHash(1), 7003);
  clock.advance(44_000);
  assert.equal((await send({})).admission, admission);
  clock.advance(44_000);
  assert.equal(await peersOf(infoHash(1)), 2);
  clock.advance(2000);
  // Until the tracker looked, which it does every second; what it looks late is time that it adds.
  await until(async () => {
    clock.advance(10);
    return (await peersOf(infoHash(2))) === 0;
  });
  assert.equal(await peersOf(infoHash(1)), 1);
  assert.equal((await send({})).admission, undefined);
  assert.notEqual((await send({ seeding: [infoHash(1)] })).admission, admission);
});

test("a peer may be silent for three of the heartbeats that it was told", async (t) => {
  const { clock, send, peersOf } = await start(t, "{heartbeatMs: 1001}");
  const seeding = [infoHash(1)];
  assert.equal((await send({ seeding, port: 7003 })).heartbeatSeconds, 2);
  clock.advance(2900);
  await send({ seeding, port: 7004 });
  clock.advance(5600);
  // One of them is silent for more than 6 s, the other is not.
  await until(async () => (await peersOf(infoHash(1))) !== 2);
  assert.equal(await peersOf(infoHash(1)), 1);
});

test("a tracker that was stopped for longer than a peer may be silent forgets nobody for that", async (t) => {
  const { clock, send, peersOf } = await start(t, "{heartbeatMs: 1000}");
  await send({ seeding: [infoHash(1)] });
  // All of this process stands still, and the time of the world goes on.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3500);
  clock.advance(3500);
  assert.equal(await peersOf(infoHash(1)), 1);
});

test("torrents that a tracker has no room for are told, and hinder no others", async (t) => {
  const { send } = await start(t, "{peersMax: 2}");
  const torrents = [infoHash(1), infoHash(2), infoHash(3)];
  assert.deepEqual((await send({ seeding: torrents })).refused, [infoHash(3)]);
  assert.deepEqual((await send({ seeding: torrents })).refused, [infoHash(3)]);
  const { refused } = await send({ stopped: torrents.slice(0, 1), seeding: torrents.slice(2) });
  assert.deepEqual(refused, []);
});

test("torrents that are not in the directory are refused where only those are taken", async (t) => {
  const { send } = await start(t, "{onlyDirectory: true}");
  const { refused, admission } = await send({ seeding: [infoHash(1)] });
  assert.deepEqual(refused, [infoHash(1)]);
  assert.equal(admission, undefined);
});

test("a batch that is malformed, too long, or of another type is refused", async (t) => {
  const { post } = await start(t);
  assert.equal((await post(batchOf({}), "text/plain")).status, 415);
  assert.equal((await post(Buffer.alloc(batchLengthMax + 1))).status, 413);
  const malformed = await dictionaryIn(await post(Buffer.from("de")));
  assert.ok(malformed.get("failure reason") instanceof Uint8Array);
});

test("a tracker answers any batches with bencode, keeps to its limits, and goes on", async (t) => {
  const { post, url, logger } = await start(t, "{swarmsMax: 20, peersMax: 60}");
  const seeding = Array.from({ length: 40 }, (_, index) => infoHash(index));
  const valid = [batchOf({ seeding }), batchOf({ seeding, stopped: seeding }), batchOf({})];
  for (const body of fuzzInputs({ seed: 3_500_000, count: 1000, valid })) {
    await dictionaryIn(await post(body));
  }
  const status: unknown = await (await fetch(`${url}/v1/status`)).json();
  assert.ok(typeof status === "object" && status !== null && "swarms" in status);
  assert.ok(Array.isArray(status.swarms) && status.swarms.length <= 20);
  assert.deepEqual(
    logger.lines.filter(({ level }) => level === "error"),
    [],
  );
});
