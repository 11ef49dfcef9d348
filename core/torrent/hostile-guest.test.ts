import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type Socket, connect } from "node:net";
import { type TestContext, test } from "node:test";

import { encodeBencode } from "../bencode.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { fuzzInputs } from "../testing/fuzz.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { encodeHandshake } from "./handshake.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";
import { closed, framed } from "./scripted-peer.test-support.ts";
import {
  encodeBitfield,
  encodeBlocks,
  encodeExtended,
  encodeHave,
  encodeSignal,
} from "./wire-message.ts";

const blob = blobFixture(1024 * 1024 + 77);
const block = { index: 0, begin: 0, length: 16_384 };

/** What a stock client may send after its handshake. @see BEP 3, BEP 9, BEP 10, BEP 11 */
const conversation = [
  encodeExtended(0, encodeBencode({ m: { ut_metadata: 2, ut_pex: 3 }, metadata_size: 400 })),
  encodeExtended(2, encodeBencode({ msg_type: 0, piece: 0 })),
  encodeExtended(
    2,
    Buffer.concat([
      encodeBencode({ msg_type: 1, piece: 0, total_size: 400 }),
      Buffer.alloc(400, "d"),
    ]),
  ),
  encodeExtended(3, encodeBencode({ added: Buffer.alloc(12, 1), dropped: "" })),
  encodeBitfield(Buffer.alloc(1)),
  encodeSignal("interested"),
  encodeHave(3),
  encodeBlocks("request", [block, { ...block, index: 4_000_000 }]),
  encodeBlocks("cancel", [block]),
  framed(block, Buffer.alloc(50)),
];

const { infoHash } = blob.metainfo;
const handshake = encodeHandshake({ infoHash, peerId: Buffer.from("-qB4500-abcdefghijkl") });

/** A node that seeds a blob, with what it logs. */
async function seederOf(t: TestContext) {
  const logger = new MemoryLogger();
  const bench = await SwarmBench.create(openTestSwarm({}, logger), t);
  const seeder = await bench.node();
  bench.seed(seeder, await bench.seeded(blob));
  const dial = (number: number): Socket => {
    const socket = connect({ port: seeder.port, localAddress: `127.0.4.${number + 1}` });
    cleanUpOf(t).defer(() => socket.destroy());
    return socket.on("error", () => undefined);
  };
  /** Connects as a stock client from an address of its own, and waits until it is greeted. */
  const guest = async (number: number): Promise<Socket> => {
    const socket = dial(number);
    socket.write(handshake);
    await Promise.race([once(socket, "data"), closed(socket)]);
    socket.resume();
    return socket;
  };
  const assertServes = async () => {
    const wanted = await bench.wanted(blob, { peers: [{ host: "127.0.0.1", port: seeder.port }] });
    await bench.download(await bench.node(), wanted).whole();
    assert.deepEqual(await readFile(wanted.path), blob.bytes);
    assert.deepEqual(
      logger.lines.filter(({ level }) => level === "error"),
      [],
    );
  };
  return { guest, dial, assertServes };
}

test("a node bears stock clients that send anything, and serves nodes meanwhile", async (t) => {
  const { guest, assertServes } = await seederOf(t);
  const valid = [...conversation, Buffer.concat(conversation)];
  let greeted = 0;
  for (const round of [0, 1, 2]) {
    const inputs = fuzzInputs({ seed: 6_000_000 + round * 1000, count: 40, valid });
    const ends = inputs.map(async (input, number) => {
      const socket = await guest(number);
      if (!socket.destroyed) greeted++;
      socket.end(input);
      await closed(socket);
    });
    await Promise.all(ends);
  }
  assert.ok(greeted > 100, `${greeted} were served`);
  await assertServes();
});

const harm: Readonly<Record<string, Buffer>> = {
  "has a piece that the blob has not": encodeHave(0x7ffffff0),
  "sends a message without end": Buffer.concat([
    Buffer.from([255, 255, 255, 255, 20]),
    Buffer.alloc(2 * 1024 * 1024),
  ]),
};

for (const [what, bytes] of Object.entries(harm)) {
  test(`a node hangs up on a stock client that ${what}`, async (t) => {
    const { guest, assertServes } = await seederOf(t);
    const socket = await guest(0);
    socket.write(bytes);
    await closed(socket);
    // What webtorrent would count for each client that comes.
    const next = await guest(1);
    assert.equal(next.destroyed, false);
    await assertServes();
  });
}

test("a node bears peers that send what may be encrypted and is nothing", async (t) => {
  const { guest, dial, assertServes } = await seederOf(t);
  const inputs = fuzzInputs({ seed: 7_000_000, count: 40, valid: [Buffer.alloc(900, 0xa7)] });
  // One that is served holds webtorrent where it is, so that all of them meet it.
  const served = await guest(0);
  const ends = inputs.map(async (input, number) => {
    const socket = dial(number + 1);
    socket.resume().end(Buffer.concat([Buffer.alloc(100, 0xf3), input]));
    await closed(socket);
  });
  await Promise.all(ends);
  served.destroy();
  await assertServes();
});
