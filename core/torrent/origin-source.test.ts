import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";

import { BlobNotFoundError, MetainfoError, UnavailableError } from "../errors.ts";
import { pieceLengthAt } from "../piece-layout.ts";
import type { OpenTail, WantedBlob } from "../ports/swarm.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";
import { honestly, scriptedPeer } from "./scripted-peer.test-support.ts";

const mebibyte = 1024 * 1024;
const blob = blobFixture(4 * mebibyte + 77);
const { layout } = blob.metainfo;

/** Chunks that end nowhere in particular. */
const chunkLength = 100_000;

/** An origin that has the blob and notes from where it was read; `change` may spoil a chunk. */
function openOrigin(change = (chunk: Buffer) => chunk) {
  const starts: number[] = [];
  const origin: OpenTail = async function* ({ start }) {
    starts.push(start);
    for (let offset = start; offset < blob.bytes.length; offset += chunkLength) {
      yield change(blob.bytes.subarray(offset, offset + chunkLength));
    }
  };
  return { origin, starts };
}

/** Soon enough for a test whose swarm gives nothing. */
const hastyMs = 300;

async function benchOf(
  t: TestContext,
  { logger = new MemoryLogger(), stallBoundMs = hastyMs } = {},
) {
  return SwarmBench.create(openTestSwarm({ stallBoundMs }, logger), t);
}

async function downloadWith(
  t: TestContext,
  known: Partial<WantedBlob>,
  options: { readonly logger?: MemoryLogger; readonly stallBoundMs?: number } = {},
) {
  const bench = await benchOf(t, options);
  const wanted = await bench.wanted(blob, known);
  return { wanted, download: bench.download(await bench.node(), wanted) };
}

test("a blob that nobody gives comes from its origin, in one stream", async (t) => {
  const { origin, starts } = openOrigin();
  const { wanted, download } = await downloadWith(t, { origin });
  await download.whole();
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
  const nothing = { peers: 0, seeders: 0, webSeeds: 0 };
  assert.deepEqual(download.received, { ...nothing, origin: blob.bytes.length });
  assert.deepEqual(starts, [0]);
});

test("an origin is not asked while the swarm gives", async (t) => {
  const { origin, starts } = openOrigin();
  const bench = await benchOf(t, { stallBoundMs: 20_000 });
  bench.seed(await bench.node(), await bench.seeded(blob));
  await bench.download(await bench.node(), await bench.wanted(blob, { origin })).whole();
  assert.deepEqual(starts, []);
});

test("what a peer gave before it fell silent is not asked of the origin", async (t) => {
  const { origin } = openOrigin();
  const given = new Set<number>();
  const answer = honestly(blob);
  const peer = await scriptedPeer(t, blob, {
    onRequest: (block, give, socket) => {
      if (given.size === 2 && !given.has(block.index)) return;
      given.add(block.index);
      answer(block, give, socket);
    },
  });
  // Time for the peer to give something on a busy machine.
  const bounds = { stallBoundMs: 4000 };
  const { wanted, download } = await downloadWith(t, { origin, peers: [peer.address] }, bounds);
  await download.whole();
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
  const lengths = [...given].map((index) => pieceLengthAt(layout, index));
  const fromPeer = lengths.reduce((sum, length) => sum + length, 0);
  assert.equal(download.received.peers, fromPeer);
  assert.equal(download.received.origin, blob.bytes.length - fromPeer);
});

test("the origin is asked first for what a reader waits for", async (t) => {
  const { origin, starts } = openOrigin();
  const { download } = await downloadWith(t, { origin });
  const start = 3 * mebibyte + 5;
  await download.ready({ start, end: start + 10 }, t);
  await download.whole();
  const { pieceLength } = layout;
  assert.deepEqual(starts, [Math.floor(start / pieceLength) * pieceLength, 0]);
});

test("pieces that are here are passed over", async (t) => {
  const { origin, starts } = openOrigin();
  const bench = await benchOf(t);
  const wanted = await bench.wanted(blob, { origin });
  const kept = Buffer.from(blob.bytes);
  kept.fill(0, layout.pieceLength, 2 * layout.pieceLength);
  kept.fill(0, 4 * layout.pieceLength, 5 * layout.pieceLength);
  await writeFile(wanted.path, kept);
  const download = bench.download(await bench.node(), wanted);
  await download.whole();
  assert.equal(download.received.origin, 2 * layout.pieceLength);
  assert.deepEqual(starts, [layout.pieceLength]);
});

test("an origin that breaks off is asked again from there", async (t) => {
  const { origin, starts } = openOrigin();
  const breaking: OpenTail = async function* (options) {
    let chunks = 0;
    for await (const chunk of origin(options)) {
      if (starts.length === 1 && chunks++ === 20) return;
      yield chunk;
    }
  };
  const logger = new MemoryLogger();
  const { wanted, download } = await downloadWith(t, { origin: breaking }, { logger });
  await download.whole();
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
  const { pieceLength } = layout;
  assert.deepEqual(starts, [0, Math.floor((20 * chunkLength) / pieceLength) * pieceLength]);
  assert.ok(logger.lines.some(({ level, message }) => level === "warn" && /gave up/.test(message)));
});

test("bytes of the origin that the metainfo does not fit end the download", async (t) => {
  const { origin } = openOrigin((chunk) => Buffer.alloc(chunk.length, 7));
  const { download } = await downloadWith(t, { origin });
  await assert.rejects(download.whole(), MetainfoError);
});

test("a download whose origin has nothing fails within the stall bound, without a warning", async (t) => {
  const logger = new MemoryLogger();
  // eslint-disable-next-line require-yield -- it has nothing
  const origin: OpenTail = async function* () {
    throw new BlobNotFoundError(blob.digest);
  };
  const { download } = await downloadWith(t, { origin }, { logger });
  await assert.rejects(download.whole(), UnavailableError);
  assert.deepEqual(
    logger.lines.filter(({ level }) => level === "warn"),
    [],
  );
});

test("an origin that hangs is let go of with its download", async (t) => {
  const asked = Promise.withResolvers<AbortSignal>();
  // eslint-disable-next-line require-yield -- it hangs
  const origin: OpenTail = async function* ({ signal }) {
    asked.resolve(signal);
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    throw signal.reason;
  };
  const { download } = await downloadWith(t, { origin });
  const signal = await asked.promise;
  await download[Symbol.asyncDispose]();
  assert.equal(signal.aborted, true);
});
