import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type Socket, createServer } from "node:net";
import { type TestContext, test } from "node:test";

import type { PeerAddress } from "../peer-address.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { fuzzInputs } from "../testing/fuzz.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { encodeIntent } from "./extended-handshake.ts";
import { handshakeLength } from "./handshake.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";
import {
  type OnRequest,
  framed,
  greeting,
  honestly,
  listen,
  scriptedPeer,
} from "./scripted-peer.test-support.ts";
import { encodeBitfield, encodeExtended, encodeHave, encodeSignal } from "./wire-message.ts";

const blob = blobFixture(4 * 1024 * 1024 + 77);
const { layout } = blob.metainfo;

/** Peers that one download asks at once. */
const clientsMax = 32;

/** As many addresses as a listener has on this machine: each is a peer of its own. */
function addressesOf({ port }: PeerAddress, count: number): PeerAddress[] {
  return Array.from({ length: count }, (_, number) => ({
    ...{ host: `127.0.3.${number + 1}`, port },
  }));
}

/** Listens on all addresses of this machine for peers that send bytes, and nothing more. */
async function tellers(t: TestContext, count: number, bytes: (connection: number) => Buffer) {
  let connections = 0;
  const { promise: hungUpOn, resolve } = Promise.withResolvers<undefined>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket
      .on("error", () => undefined)
      .on("close", () => {
        sockets.delete(socket);
        resolve(undefined);
      });
    socket.resume().write(bytes(connections++));
  });
  const address = await listen(t, server, sockets, "0.0.0.0");
  return { addresses: addressesOf(address, count), connections: () => connections, hungUpOn };
}

/** A download that knows bad peers first, and then a good one: after `heard`, if that is given. */
async function assertArrives(
  t: TestContext,
  bad: readonly PeerAddress[],
  heard?: Promise<undefined>,
): Promise<MemoryLogger> {
  const logger = new MemoryLogger();
  const bench = await SwarmBench.create(openTestSwarm({ stallBoundMs: 20_000 }, logger), t);
  const seeder = await bench.node();
  const good = { host: "127.0.0.1", port: seeder.port };
  const seeded = await bench.seeded(blob);
  const wanted = await bench.wanted(blob, { peers: heard ? bad : [...bad, good] });
  if (!heard) bench.seed(seeder, seeded);
  const download = bench.download(await bench.node(), wanted);
  await heard;
  // It announces itself.
  if (heard) bench.seed(seeder, seeded);
  await download.whole();
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
  assert.deepEqual(
    logger.lines.filter(({ level }) => level === "error"),
    [],
  );
  return logger;
}

const partial = greeting(blob, { whole: false });
const none = Buffer.alloc(Math.ceil(layout.pieceCount / 8));

/** Peers of no use, as many as a download asks at once, and a few more. */
const useless: Readonly<Record<string, Buffer>> = {
  "say nothing": Buffer.alloc(0),
  "stop in the middle of their handshake": greeting(blob).subarray(0, 40),
  "shake hands and do not say what they have": partial,
  "have nothing": Buffer.concat([partial, encodeBitfield(none), encodeSignal("unchoke")]),
  "claim everything and let nobody ask": greeting(blob),
  "claim everything and give nothing": Buffer.concat([greeting(blob), encodeSignal("unchoke")]),
  "send keep-alives alone": Buffer.concat([greeting(blob), Buffer.alloc(4000)]),
};

for (const [what, bytes] of Object.entries(useless)) {
  test(`a blob arrives although ${clientsMax + 8} peers ${what}`, async (t) => {
    const { addresses } = await tellers(t, clientsMax + 8, () => bytes);
    await assertArrives(t, addresses);
  });
}

const open = Buffer.concat([partial, encodeBitfield(none), encodeSignal("unchoke")]);

/** What a peer says, for which it is hung up on and told of in the log. */
const rude: Readonly<Record<string, Buffer>> = {
  "a bitfield that is too long": Buffer.concat([partial, encodeBitfield(Buffer.alloc(99))]),
  "a bitfield that is too short": Buffer.concat([partial, encodeBitfield(Buffer.alloc(1))]),
  "a bitfield with spare bits": Buffer.concat([partial, encodeBitfield(none.map(() => 0xff))]),
  "a piece that the blob has not": Buffer.concat([open, encodeHave(layout.pieceCount)]),
  "a piece before it said which it has": Buffer.concat([partial, encodeHave(0)]),
  "a block that nobody asked for": Buffer.concat([
    open,
    framed({ index: 0, begin: 0, length: 4 }, Buffer.alloc(4)),
  ]),
  "blocks without bytes": Buffer.concat([
    open,
    framed({ index: 0, begin: 0, length: 0 }, Buffer.alloc(0)),
  ]),
  "a message that is too long": Buffer.concat([open, Buffer.from([0, 1, 0, 0, 20])]),
  "an extended handshake that is too long": Buffer.concat([
    greeting(blob).subarray(0, handshakeLength),
    encodeExtended(0, Buffer.alloc(5000, "d")),
  ]),
  "keep-alives without end": Buffer.concat([open, Buffer.alloc(4 * 140_000)]),
  "a handshake of another torrent": greeting(blobFixture(9)),
};

for (const [what, bytes] of Object.entries(rude)) {
  test(`a peer that sends ${what} is told of once and not dialled again`, async (t) => {
    const { addresses, connections, hungUpOn } = await tellers(t, 1, () => bytes);
    const logger = await assertArrives(t, addresses, hungUpOn);
    assert.equal(connections(), 1);
    const told = logger.lines.filter(({ message }) => message === "peer broke the protocol");
    assert.equal(told.length, 1);
  });
}

const scripts: Readonly<Record<string, OnRequest>> = {
  "answers each request twice": (block, answer, socket) => {
    const twice = (bytes: Uint8Array) => [bytes, bytes].forEach((each) => answer(each));
    honestly(blob)(block, twice, socket);
  },
  "gives a byte less than it is asked for": ({ length }, answer) =>
    answer(Buffer.alloc(length - 1)),
};

for (const [what, onRequest] of Object.entries(scripts)) {
  test(`a blob arrives although a peer ${what}`, async (t) => {
    const bad = await scriptedPeer(t, blob, { onRequest });
    await assertArrives(t, [bad.address]);
  });
}

/** Gives a byte of what it was asked for now and then, so that it is never silent. */
function trickling(t: TestContext): OnRequest {
  return (block, _, socket) => {
    if (socket.listenerCount("drip") > 0) return;
    socket.once("drip", () => undefined);
    socket.write(framed(block, blob.bytes.subarray(0, block.length)).subarray(0, 13));
    const drip = setInterval(() => socket.write(Buffer.alloc(1)), 200);
    const stop = () => clearInterval(drip);
    socket.once("close", stop);
    cleanUpOf(t).defer(stop);
  };
}

test("a blob arrives although a peer gives single bytes of what it claims", async (t) => {
  const bad = await scriptedPeer(t, blob, { onRequest: trickling(t) });
  await assertArrives(t, [bad.address]);
});

test("a blob arrives in a crowd although a peer gives single bytes of what it claims", async (t) => {
  const bad = await scriptedPeer(t, blob, { onRequest: trickling(t) });
  const { addresses } = await tellers(t, 1, () => open);
  await assertArrives(t, [bad.address, ...addresses]);
});

/** What a node that gives a blob may send, one after the other. */
const conversation = [
  Buffer.concat([greeting(blob), encodeSignal("unchoke")]),
  Buffer.concat([
    partial,
    encodeBitfield(none),
    encodeSignal("unchoke"),
    encodeExtended(1, encodeIntent(3, true)),
    encodeHave(3),
    framed({ index: 3, begin: 0, length: 400 }, Buffer.alloc(400)),
    Buffer.alloc(4),
  ]),
];

test("a blob arrives although peers answer with anything", async (t) => {
  const inputs = fuzzInputs({ seed: 5_000_000, count: 100, valid: conversation });
  const { addresses } = await tellers(t, 100, (connection) => inputs[connection % 100] ?? none);
  await assertArrives(t, addresses);
});
