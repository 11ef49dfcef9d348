import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { StorageFullError, UnavailableError } from "../errors.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";
import {
  type OnRequest,
  framed,
  greeting,
  hangsUp,
  honestly,
  listen,
  scriptedPeer,
} from "./scripted-peer.test-support.ts";
import {
  encodeBitfield,
  encodeBlocks,
  encodeExtended,
  encodeHave,
  encodeSignal,
} from "./wire-message.ts";

const blob = blobFixture(4 * 1024 * 1024 + 77);
const logger = new MemoryLogger();

/** Longer than any test takes: for those in which a download has to end well. */
const patientMs = 20_000;

/** A download that knows a bad peer and, unless `alone`, a good one. */
async function against(
  t: TestContext,
  onRequest: OnRequest,
  options: {
    readonly alone?: boolean;
    readonly afterGreeting?: Buffer;
    readonly stallBoundMs?: number;
  } = {},
) {
  const { stallBoundMs = patientMs } = options;
  const bench = await SwarmBench.create(openTestSwarm({ stallBoundMs }, logger), t);
  const bad = await scriptedPeer(t, blob, { onRequest, ...options });
  const peers = [bad.address];
  if (!options.alone) {
    const seeder = await bench.node();
    bench.seed(seeder, await bench.seeded(blob));
    peers.push({ host: "127.0.0.1", port: seeder.port });
  }
  const wanted = await bench.wanted(blob, { peers });
  const download = bench.download(await bench.node(), wanted);
  return { bench, bad, wanted, download };
}

test("an honest scripted peer is a good source", async (t) => {
  const { wanted, download } = await against(t, honestly(blob), { alone: true });
  await download.whole();
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
});

test("a blob arrives although a peer gives wrong pieces", async (t) => {
  const { wanted, download } = await against(t, ({ length }, answer) => {
    answer(Buffer.alloc(length, 7));
  });
  await download.whole();
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
});

test("a peer that gives wrong pieces again is not dialled any more", async (t) => {
  const wrong: OnRequest = ({ length }, answer) => answer(Buffer.alloc(length, 7));
  // Time to be dialled twice on a busy machine.
  const bounds = { alone: true, stallBoundMs: 6000 };
  const { bad, download } = await against(t, wrong, bounds);
  await assert.rejects(download.whole(), UnavailableError);
  assert.equal(bad.connections(), 2);
  assert.equal(download.bytesDone, 0);
});

test("a blob arrives although a peer hangs with pieces it was asked for", async (t) => {
  let asked = 0;
  const { wanted, download } = await against(t, () => asked++);
  await download.whole();
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
});

test("bytes are told of a piece that is not whole, and once each", async (t) => {
  let asked = 0;
  const givePart: OnRequest = (block, _, socket) => {
    if (asked++ > 0) return;
    const head = framed(block, Buffer.alloc(0)).length;
    socket.write(framed(block, Buffer.alloc(block.length)).subarray(0, head + 5000));
  };
  const { download } = await against(t, givePart, { alone: true });
  while (download.bytesGiven < 5000) await turn();
  assert.deepEqual([download.bytesGiven, download.bytesDone], [5000, 0]);
});

test("a download whose only peer hangs fails within the stall bound", async (t) => {
  const bounds = { alone: true, stallBoundMs: 2500 };
  const { download } = await against(t, () => undefined, bounds);
  const ready = download.ready({ start: 0, end: 1 }, t);
  await Promise.all([
    assert.rejects(ready, UnavailableError),
    assert.rejects(download.whole(), UnavailableError),
  ]);
});

test("a blob arrives although a peer hangs up in every piece", async (t) => {
  const { wanted, download } = await against(t, (_, answer, socket) => {
    answer(Buffer.alloc(1));
    socket.destroy();
  });
  await download.whole();
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
});

const nonsense: Readonly<Record<string, Buffer>> = {
  "a frame of 4 GiB": Buffer.from([255, 255, 255, 255, 20]),
  "a block of 4 GiB": Buffer.from([255, 255, 255, 255, 7, 0, 0, 0, 0, 0, 0, 0, 0]),
  "a block that was not asked for": framed({ index: 0, begin: 0, length: 4 }, Buffer.alloc(4)),
  "a second bitfield": encodeBitfield(Buffer.alloc(5)),
  "a piece that the blob has not": encodeHave(4_000_000),
  "an intent for a piece that the blob has not": encodeExtended(
    1,
    Buffer.from([1, 255, 255, 255, 255]),
  ),
  "an intent of another length": encodeExtended(1, Buffer.from([1])),
  "a request of another length": Buffer.from([0, 0, 0, 2, 6, 1]),
};

for (const [what, bytes] of Object.entries(nonsense)) {
  test(`a peer that sends ${what} is hung up on and not dialled again`, async (t) => {
    const { wanted, download, bad } = await against(t, () => undefined, { afterGreeting: bytes });
    await download.whole();
    assert.deepEqual(await readFile(wanted.path), blob.bytes);
    assert.ok(bad.connections() <= 1);
  });
}

test("a peer without our extension, or with none of its keys, is no node", async (t) => {
  const bench = await SwarmBench.create(openTestSwarm({ stallBoundMs: patientMs }), t);
  for (const payload of ["de", "i1e", "d1:md10:shoal_bulki1eee", "no bencode"]) {
    const server = createServer((socket) => {
      socket.on("error", () => undefined).resume();
      socket.write(greeting(blob).subarray(0, 68));
      socket.write(encodeExtended(0, Buffer.from(payload)));
    });
    const peers = [await listen(t, server)];
    const closed = once(server, "connection").then(([socket]) => once(socket as never, "close"));
    const download = bench.download(await bench.node(), await bench.wanted(blob, { peers }));
    // A download that ends would close it, too, and one that never dialled would leave us waiting.
    await Promise.race([closed, download.whole()]);
  }
});

test("a node does not keep a connection to itself", async (t) => {
  const bench = await SwarmBench.create(openTestSwarm({ stallBoundMs: 600 }), t);
  const node = await bench.node();
  const peers = [{ host: "127.0.0.1", port: node.port }];
  const download = bench.download(node, await bench.wanted(blob, { peers }));
  assert.equal(await download.hasGoodSource(t), false);
});

const rudeness: Readonly<Record<string, Buffer>> = {
  "another protocol": Buffer.from("GET / HTTP/1.1\r\nHost: node\r\n\r\n".padEnd(200, " ")),
  "no extended handshake": Buffer.concat([
    greeting(blob).subarray(0, 68),
    encodeSignal("interested"),
  ]),
  "a torrent that is not here": greeting(blobFixture(5)),
  "a request past the end of a piece": Buffer.concat([
    greeting(blob),
    encodeBlocks("request", [{ index: 0, begin: 2 ** 31, length: 16384 }]),
  ]),
  "a request for a piece that there is not": Buffer.concat([
    greeting(blob),
    encodeBlocks("request", [{ index: 4_000_000, begin: 0, length: 16384 }]),
  ]),
  "a request for nothing": Buffer.concat([
    greeting(blob),
    encodeBlocks("request", [{ index: 0, begin: 0, length: 0 }]),
  ]),
  "too many requests": Buffer.concat([
    greeting(blob),
    ...Array.from({ length: 1000 }, () =>
      encodeBlocks("request", [{ index: 0, begin: 0, length: 131072 }]),
    ),
  ]),
  "a block": Buffer.concat([
    greeting(blob),
    framed({ index: 0, begin: 0, length: 1 }, Buffer.alloc(1)),
  ]),
};

for (const [what, bytes] of Object.entries(rudeness)) {
  test(`a node hangs up on a peer that sends ${what}`, async (t) => {
    const bench = await SwarmBench.create(openTestSwarm({}, logger), t);
    const node = await bench.node();
    bench.seed(node, await bench.seeded(blob));
    await hangsUp(node.port, bytes);
  });
}

test("a node hangs up on a peer that never finishes its handshake", async (t) => {
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const node = await bench.node();
  assert.equal((await hangsUp(node.port, greeting(blob).subarray(0, 40))).length, 0);
});

test("a node still serves while another peer asks and does not read", async (t) => {
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const node = await bench.node();
  bench.seed(node, await bench.seeded(blob));
  const greedy = connect(node.port, "127.0.0.1").pause();
  greedy.on("error", () => undefined);
  cleanUpOf(t).defer(() => greedy.destroy());
  const blocks = Array.from({ length: 400 }, () => ({ index: 1, begin: 0, length: 131072 }));
  greedy.write(Buffer.concat([greeting(blob), encodeBlocks("request", blocks)]));
  const wanted = await bench.wanted(blob, { peers: [{ host: "127.0.0.1", port: node.port }] });
  await bench.download(await bench.node(), wanted).whole();
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
});

test("a node that downloads gives no bytes of pieces that it has not", async (t) => {
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const node = await bench.node();
  bench.download(node, await bench.wanted(blob));
  const request = encodeBlocks("request", [{ index: 0, begin: 0, length: 16384 }]);
  const received = await hangsUp(node.port, Buffer.concat([greeting(blob), request]));
  assert.ok(received.length < 16384);
});

test("a full disk ends a download with its own error", async (t) => {
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const node = await bench.node();
  bench.seed(node, await bench.seeded(blob));
  const wanted = await bench.wanted(blob, { path: "/dev/full" });
  const download = bench.download(await bench.node(), wanted);
  await assert.rejects(download.whole(), StorageFullError);
});

test("a port that is taken is told when a swarm is opened", async (t) => {
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const { port } = await bench.node();
  const again = await SwarmBench.create(openTestSwarm({ port }), t);
  await assert.rejects(again.node(), UnavailableError);
});
