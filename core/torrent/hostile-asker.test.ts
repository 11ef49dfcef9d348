import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type Socket, connect } from "node:net";
import { type TestContext, test } from "node:test";

import type { Swarm } from "../ports/swarm.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { fuzzInputs } from "../testing/fuzz.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { encodeIntent } from "./extended-handshake.ts";
import { handshakeLength } from "./handshake.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";
import { closed, greeting } from "./scripted-peer.test-support.ts";
import type { TorrentSwarmSettings } from "./torrent-swarm.ts";
import {
  encodeBitfield,
  encodeBlocks,
  encodeExtended,
  encodeHave,
  encodeSignal,
} from "./wire-message.ts";

const blob = blobFixture(1024 * 1024 + 77);

/** Addresses of this machine that are not the one of honest nodes. */
const badHost = "127.0.0.2";

/** A node that seeds a blob, with what it logs. */
async function seederOf(t: TestContext, settings: Partial<TorrentSwarmSettings> = {}) {
  const logger = new MemoryLogger();
  const bench = await SwarmBench.create(openTestSwarm(settings, logger), t);
  const seeder = await bench.node();
  bench.seed(seeder, await bench.seeded(blob));
  const warnings = (message: string) => logger.lines.filter((line) => line.message === message);
  return { bench, seeder, logger, warnings };
}

/** Sees that an honest node still gets the blob. */
async function assertServes(bench: SwarmBench, seeder: Swarm): Promise<void> {
  const wanted = await bench.wanted(blob, { peers: [{ host: "127.0.0.1", port: seeder.port }] });
  await bench.download(await bench.node(), wanted).whole();
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
}

/** Connects from an address of its own. */
function dial(t: TestContext, { port }: Swarm, host = badHost): Socket {
  const socket = connect({ port, host: "127.0.0.1", localAddress: host });
  cleanUpOf(t).defer(() => socket.destroy());
  return socket.on("error", () => undefined).resume();
}

/** Sends bytes from another address, and resolves when the node hangs up: with all it said. */
async function hungUp(t: TestContext, seeder: Swarm, bytes: Buffer, host = badHost) {
  const socket = dial(t, seeder, host);
  const received: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => received.push(chunk));
  socket.write(bytes);
  await closed(socket);
  return Buffer.concat(received);
}

test("a host that opens a thousand connections leaves room for others, and is told of once", async (t) => {
  const settings = { connectionsMax: 60, connectionsPerHostMax: 20 };
  const { bench, seeder, warnings } = await seederOf(t, settings);
  let open = 0;
  const sockets = Array.from({ length: 1000 }, () => dial(t, seeder));
  const fates = sockets.map(async (socket) => {
    socket.write(greeting(blob));
    // It is greeted, or hung up on.
    await Promise.race([new Promise((resolve) => socket.once("data", resolve)), closed(socket)]);
    if (socket.bytesRead > 0) open++;
  });
  await Promise.all(fates);
  assert.equal(open, 20);
  await assertServes(bench, seeder);
  assert.equal(warnings("a host has too many connections").length, 1);
});

test("a host that keeps breaking the protocol is not let in any more, and others are", async (t) => {
  const { bench, seeder, warnings } = await seederOf(t);
  const nonsense = Buffer.concat([greeting(blob), Buffer.from([255, 255, 255, 255, 20])]);
  for (let offence = 0; offence < 8; offence++) {
    assert.ok((await hungUp(t, seeder, nonsense)).length >= handshakeLength);
  }
  assert.equal((await hungUp(t, seeder, greeting(blob))).length, 0);
  await assertServes(bench, seeder);
  const told = warnings("peer broke the protocol");
  assert.deepEqual(
    told.map(({ fields }) => fields["peer"]),
    [badHost],
  );
  assert.equal(warnings("a host is not let in any more").length, 1);
});

const block = { index: 0, begin: 0, length: 131_072 };

const floods: Readonly<Record<string, Buffer>> = {
  "keep-alives": Buffer.alloc(4 * 20_000),
  interest: repeated(encodeSignal("interested"), 20_000),
  "pieces that it has": repeated(encodeHave(1), 20_000),
  "bitfields of any length": repeated(encodeBitfield(Buffer.alloc(99)), 20_000),
  "messages of extensions that nobody speaks": repeated(
    encodeExtended(7, Buffer.from("de")),
    20_000,
  ),
  "cancels of what it did not ask for": repeated(encodeBlocks("cancel", [block]), 20_000),
};

for (const [what, bytes] of Object.entries(floods)) {
  test(`a node hangs up on a peer that floods it with ${what}`, async (t) => {
    const { bench, seeder, warnings } = await seederOf(t);
    await hungUp(t, seeder, Buffer.concat([greeting(blob), bytes]));
    await assertServes(bench, seeder);
    assert.equal(warnings("peer broke the protocol").length, 1);
  });
}

function repeated(message: Buffer, count: number): Buffer {
  return Buffer.alloc(message.length * count, message);
}

const halves: Readonly<Record<string, Buffer>> = {
  "half a handshake": greeting(blob).subarray(0, 40),
  "a handshake and no more": greeting(blob).subarray(0, handshakeLength),
  "half an extended handshake": greeting(blob).subarray(0, handshakeLength + 20),
  "a handshake and keep-alives": Buffer.concat([
    greeting(blob).subarray(0, handshakeLength),
    Buffer.alloc(400),
  ]),
};

test("a node hangs up on peers that stop in the middle of their handshakes", async (t) => {
  const { bench, seeder } = await seederOf(t);
  const hosts = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"];
  const ends = Object.values(halves).map((bytes, index) => hungUp(t, seeder, bytes, hosts[index]));
  await Promise.all(ends);
  await assertServes(bench, seeder);
});

/** What a node that asks for a blob may send, one after the other. */
const conversation = [
  greeting(blob),
  Buffer.concat([
    greeting(blob),
    encodeSignal("interested"),
    encodeBlocks("request", [block, { index: 1, begin: 0, length: 16_384 }]),
    encodeBlocks("cancel", [block]),
    encodeExtended(1, encodeIntent(0, true)),
    encodeHave(0),
    encodeBitfield(Buffer.from([0xff])),
    Buffer.alloc(4),
  ]),
];

test("a node bears peers that send anything, and serves others meanwhile", async (t) => {
  const { bench, seeder, logger } = await seederOf(t);
  const inputs = fuzzInputs({ seed: 4_000_000, count: 400, valid: conversation });
  const sockets = inputs.map((input, number) => {
    // Few of each host, so that none is kept out before it was heard.
    const socket = dial(t, seeder, `127.0.1.${1 + Math.floor(number / 4)}`);
    // Those with nothing wrong in it so far go on.
    socket.end(input);
    return socket;
  });
  await Promise.all([assertServes(bench, seeder), ...sockets.map(closed)]);
  await assertServes(bench, seeder);
  assert.deepEqual(
    logger.lines.filter(({ level }) => level === "error"),
    [],
  );
});
