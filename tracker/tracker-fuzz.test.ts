import assert from "node:assert/strict";
import { type RemoteInfo, createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";

import { decodeBencode, isDictionary } from "../core/bencode.ts";
import { encodeMetainfo } from "../core/metainfo.ts";
import { SystemClock } from "../core/system/system-clock.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { fuzz, fuzzInputs } from "../core/testing/fuzz.ts";
import { ManualClock } from "../core/testing/manual-clock.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { seededRandom } from "../core/testing/seeded-random.ts";
import { AnnounceServer } from "./announce-server.ts";
import { parseTrackerConfig } from "./config.ts";
import { scrapeAnswer } from "./http/scrape-answer.ts";
import { startTracker } from "./service.ts";
import { SwarmTable } from "./swarm-table.ts";
import { UdpGate } from "./udp/udp-gate.ts";

const connectPacket = Buffer.from("00000417271019800000000001020304", "hex");
const limits = { swarmsMax: 50, peersMax: 200, peersPerAddressMax: 100, peerTtlMs: 60_000 };
const settings = {
  ...{
    announceIntervalMs: 60_000,
    announceIntervalMinMs: 10_000,
    heartbeatMs: 15_000,
    trustIpParameter: false,
  },
};

/** A tracker's UDP side on a socket whose answers go nowhere. */
async function udpTracker(t: TestContext) {
  const socket = createSocket("udp4");
  cleanUpOf(t).defer(() => socket.close());
  await once(socket.bind(0, "127.0.0.1"), "listening");
  const clock = new ManualClock();
  const udpGate = new UdpGate({ secret: Buffer.alloc(32, 1), clock });
  const random = seededRandom(1);
  const swarms = new SwarmTable(limits, random);
  const deps = { swarms, udpGate, allows: () => true, clock, random, settings };
  const server = new AnnounceServer(deps);
  server.serveUdp(socket);
  const remote: RemoteInfo = { address: "127.0.0.1", family: "IPv4", port: 9, size: 0 };
  const verdict = udpGate.admit(connectPacket, remote.address);
  assert.ok(verdict.kind === "answer");
  return { server, swarms, udpGate, remote, connectionId: verdict.message.subarray(8) };
}

test("a tracker takes any packets over UDP, keeps to its limits, and answers none with more", async (t) => {
  const { server, swarms, udpGate, remote, connectionId } = await udpTracker(t);
  const announce = Buffer.alloc(98, 7);
  announce.writeUInt32BE(1, 8);
  announce.writeUInt32BE(2, 80);
  const scrape = Buffer.alloc(56, 7);
  scrape.writeUInt32BE(2, 8);
  const valid = [connectPacket, announce, scrape];
  fuzz({ seed: 3_000_000, count: 12_000, valid }, (input, draw) => {
    // Most show the id that they got: others come no further than the gate.
    if (draw(8) > 0 && input.length >= 8) connectionId.copy(input);
    const verdict = udpGate.admit(input, remote.address);
    assert.ok(verdict.kind !== "answer" || verdict.message.length <= input.length);
    server.onUdpRequest(input, { ...remote, size: input.length });
    assert.ok(swarms.peerCount <= limits.peersPerAddressMax);
    assert.ok(swarms.swarmCount <= limits.swarmsMax);
  });
  assert.ok(swarms.swarmCount > 0, "announces got through");
});

test("any query of a scrape is answered with bencode", () => {
  const hash = "%aa".repeat(20);
  const valid = [`info_hash=${hash}`, `info_hash=${hash}&info_hash=${"b".repeat(20)}`];
  fuzz({ seed: 3_100_000, count: 5000, valid: valid.map((text) => Buffer.from(text)) }, (input) => {
    const none = { complete: 0, incomplete: 0 };
    const { body } = scrapeAnswer(input.toString("latin1"), () => none);
    assert.ok(isDictionary(decodeBencode(Buffer.from(body))));
  });
});

const { metainfo, digest } = blobFixture(1000);
const announceTarget = `/announce?info_hash=${"a".repeat(20)}&peer_id=${"b".repeat(20)}&port=7001&left=0&compact=1&numwant=5&event=started`;
const requests = [
  `GET ${announceTarget} HTTP/1.1\r\nHost: t\r\n\r\n`,
  `GET ${announceTarget.replace("/announce", "/scrape")} HTTP/1.1\r\nHost: t\r\n\r\n`,
  `GET /v1/metainfo/${digest}?refused=${"0".repeat(40)} HTTP/1.1\r\nHost: t\r\n\r\n`,
].map((text) => Buffer.from(text));

test("a tracker answers, or hangs up on, any requests over HTTP, and goes on", async (t) => {
  const text = 'listen: {http: "127.0.0.1:0", udp: "127.0.0.1:0"}\n';
  const logger = new MemoryLogger();
  const deps = { logger, clock: new SystemClock() };
  const tracker = cleanUpOf(t).use(await startTracker(parseTrackerConfig(text, "test"), deps, t));
  const { host, port } = tracker.http;
  const url = `http://${host}:${port}`;
  const body = encodeMetainfo(metainfo);
  for (const put of fuzzInputs({ seed: 3_200_000, count: 100, valid: [body] })) {
    const { status } = await fetch(`${url}/v1/metainfo/${digest}`, { method: "PUT", body: put });
    assert.ok([200, 201, 400].includes(status), `${status}`);
  }
  const inputs = fuzzInputs({ seed: 3_300_000, count: 2000, valid: requests });
  for (let at = 0; at < inputs.length; at += 100) {
    await Promise.all(inputs.slice(at, at + 100).map((input) => exchange(port, input)));
  }
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.deepEqual(
    logger.lines.filter(({ level }) => level === "error"),
    [],
  );
});

/** Sends bytes, says that no more come, and waits for the end of what comes back. */
async function exchange(port: number, bytes: Buffer): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined).on("end", () => socket.destroy());
  socket.resume().end(bytes);
  await once(socket, "close");
}
