import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type Socket, connect, createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { HostLimits } from "../limits/host-limits.ts";
import { createPeerId } from "../peer-id.ts";
import { type BlobFixture, blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { BufferPool } from "./buffer-pool.ts";
import { parseExtendedHandshake } from "./extended-handshake.ts";
import { handshakeLength } from "./handshake.ts";
import { askersOfWholeMax } from "./limits.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";
import { PieceServer } from "./piece-server.ts";
import { greeting, listen } from "./scripted-peer.test-support.ts";
import { ServedTorrent } from "./served-torrent.ts";
import { encodeBlocks } from "./wire-message.ts";

const small = blobFixture(1024 * 1024);

/** Of more pieces than are served to everybody. */
const large = blobFixture(16 * 256 * 1024);

/** A peer that a node gives a blob to, and how that goes; time goes on when it is told to. */
async function served(
  t: TestContext,
  {
    others = 0,
    blob = small,
    allowHalfOpen = false,
  }: {
    readonly others?: number;
    readonly blob?: BlobFixture;
    readonly allowHalfOpen?: boolean;
  } = {},
) {
  const { infoHash, layout } = blob.metainfo;
  const { folder } = await SwarmBench.create(openTestSwarm(), t);
  const path = join(folder, "blob");
  await writeFile(path, blob.bytes);
  const server = createServer();
  const { port } = await listen(t, server);
  const theirs = connect({ port, host: "127.0.0.1", allowHalfOpen });
  const [ours] = (await once(server, "connection")) as [Socket];
  cleanUpOf(t).defer(() => [ours, theirs].forEach((socket) => socket.destroy()));
  theirs.on("error", () => undefined);
  const time = { nowMs: 0 };
  const ends: string[] = [];
  const offences: string[] = [];
  const torrent = new ServedTorrent({ infoHash, layout, path });
  const callers: number[] = [];
  torrent.onPeer = (address) => callers.push(address.port);
  const ignore = () => undefined;
  for (let other = 0; other < others; other++) {
    torrent.listen({ onHave: ignore, onIntent: ignore, close: ignore });
  }
  const pieceServer = new PieceServer({
    ...{ socket: ours, peerId: createPeerId(), buffers: new BufferPool(1 << 20) },
    torrent,
    self: { blockLengthMax: 1 << 18, dedicatedSeeder: false, listenPort: 1 },
    passage: new HostLimits().passage(["upload"], { flow: infoHash }),
    now: () => time.nowMs,
    onClosed: (_, reason) => ends.push(reason),
    onOffence: (reason) => offences.push(reason),
    onFault: (error) => assert.ifError(error),
  });
  pieceServer.start(Buffer.alloc(0));
  const passTime = (ms: number) => {
    time.nowMs += ms;
    pieceServer.tick(time.nowMs);
  };
  /** Sends bytes, and resolves when they are here. */
  const send = async (bytes: Buffer) => {
    const end = ours.bytesRead + bytes.length;
    theirs.write(bytes);
    while (ours.bytesRead < end) await once(ours, "data");
  };
  return { theirs, ours, torrent, callers, ends, offences, passTime, send };
}

test("a peer that sends nothing but keep-alives is idle after a minute", async (t) => {
  const { theirs, ends, offences, passTime, send } = await served(t);
  theirs.resume();
  await send(greeting(small).subarray(handshakeLength));
  for (let second = 0; second < 59; second++) passTime(1000);
  await send(Buffer.alloc(400));
  assert.deepEqual(ends, []);
  passTime(1000);
  assert.deepEqual(ends, ["idle"]);
  assert.deepEqual(offences, []);
});

test("a peer that asks for nothing is idle after a minute, whatever others ask for meanwhile", async (t) => {
  const { theirs, torrent, ends, passTime, send } = await served(t);
  theirs.resume();
  await send(greeting(small).subarray(handshakeLength));
  const other = { onHave: () => undefined, onIntent: () => undefined, close: () => undefined };
  torrent.listen(other);
  for (let second = 0; second < 60; second++) {
    passTime(1000);
    torrent.gives(other, second % 4, second * 1000);
    await setImmediate();
  }
  assert.deepEqual(ends, ["idle"]);
});

test("a peer that asks and takes nothing is idle after a minute, however much it asks", async (t) => {
  const { theirs, ends, passTime, send } = await served(t);
  theirs.pause();
  await send(greeting(small).subarray(handshakeLength));
  const blocks = Array.from({ length: 100 }, () => ({ index: 0, begin: 0, length: 131_072 }));
  await send(encodeBlocks("request", blocks));
  passTime(59_000);
  await send(encodeBlocks("request", blocks.slice(0, 1)));
  passTime(61_000);
  assert.deepEqual(ends, ["idle"]);
});

test("a peer that shakes no hand but the first within 2 s has offended", async (t) => {
  const { theirs, ends, offences, passTime, send } = await served(t);
  theirs.resume();
  await send(Buffer.alloc(4));
  passTime(1999);
  assert.deepEqual(ends, []);
  passTime(1);
  assert.deepEqual(ends, ["no extended handshake in time"]);
  assert.deepEqual(offences, ends);
});

test("a peer that comes when enough others are served is told so, and known", async (t) => {
  const { theirs, offences, callers } = await served(t, { others: askersOfWholeMax, blob: large });
  const received: Buffer[] = [];
  theirs.on("data", (chunk: Buffer) => received.push(chunk));
  theirs.write(greeting(large, { listenPort: 7 }).subarray(handshakeLength));
  theirs.write(encodeBlocks("request", [{ index: 0, begin: 0, length: 16_384 }]));
  await once(theirs, "end");
  const said = Buffer.concat(received).subarray(handshakeLength);
  assert.equal(said.readUInt32BE(0), said.length - 4, "one message, and no piece");
  const { whole, crowded } = parseExtendedHandshake(said.subarray(6));
  assert.deepEqual({ whole, crowded }, { whole: true, crowded: true });
  assert.deepEqual(offences, []);
  assert.deepEqual(callers, [7]);
});

test("a peer that stays though it is not served is hung up on", async (t) => {
  const { theirs, ends, passTime, send } = await served(t, {
    ...{ others: askersOfWholeMax, blob: large, allowHalfOpen: true },
  });
  theirs.resume();
  await send(greeting(large).subarray(handshakeLength));
  passTime(1999);
  assert.deepEqual(ends, []);
  passTime(1);
  assert.deepEqual(ends, ["as many nodes ask as are served at once"]);
});

test("a peer that comes when one place is left is served", async (t) => {
  const { theirs, ends, torrent, callers, send } = await served(t, {
    ...{ others: askersOfWholeMax - 1, blob: large },
  });
  theirs.resume();
  await send(greeting(large, { listenPort: 7 }).subarray(handshakeLength));
  assert.deepEqual(ends, []);
  assert.deepEqual(callers, [7]);
  assert.equal(torrent.isCrowded, true);
});

test("a small blob is served to everybody", async (t) => {
  const { theirs, ends, torrent, send } = await served(t, { others: 10 * askersOfWholeMax });
  theirs.resume();
  await send(greeting(small).subarray(handshakeLength));
  assert.deepEqual(ends, []);
  assert.equal(torrent.isCrowded, false);
});

/** Counts the blocks that are read for those who asked. */
function countReads(torrent: ServedTorrent): { readonly count: () => number } {
  const read = torrent.read.bind(torrent);
  let count = 0;
  torrent.read = (...block) => {
    count++;
    return read(...block);
  };
  return { count: () => count };
}

/** Two others of a crowd, who have a piece begun each. */
function twoOthers(torrent: ServedTorrent) {
  const { turns } = torrent;
  assert.ok(turns);
  const others = [{ onTurn: () => undefined }, { onTurn: () => undefined }];
  const goOn = (nowMs: number) => {
    for (const other of others) turns.goOn(other, nowMs);
  };
  const rest = () => {
    for (const other of others) turns.rest(other, 0);
  };
  goOn(0);
  return { goOn, rest };
}

test("a peer that is not the first of a crowd gets its piece once others have theirs", async (t) => {
  const { theirs, ours, torrent, send } = await served(t);
  theirs.resume();
  const others = twoOthers(torrent);
  await send(greeting(small).subarray(handshakeLength));
  const sent = ours.bytesWritten;
  const reads = countReads(torrent);
  await send(encodeBlocks("request", [{ index: 0, begin: 0, length: 16_384 }]));
  assert.equal(reads.count(), 0);
  others.rest();
  assert.equal(reads.count(), 1);
  while (theirs.bytesRead < sent + 16_384) await once(theirs, "data");
});

test("a piece that a peer has begun with goes on, though others come", async (t) => {
  const { theirs, torrent, send } = await served(t);
  theirs.resume();
  await send(greeting(small).subarray(handshakeLength));
  await send(encodeBlocks("request", [{ index: 0, begin: 0, length: 16_384 }]));
  while (theirs.bytesRead < 16_384) await once(theirs, "data");
  twoOthers(torrent);
  const reads = countReads(torrent);
  await send(encodeBlocks("request", [{ index: 0, begin: 16_384, length: 16_384 }]));
  assert.equal(reads.count(), 1);
});

test("a peer that takes its requests back does not stand in line", async (t) => {
  const { theirs, torrent, send } = await served(t);
  theirs.resume();
  const others = twoOthers(torrent);
  await send(greeting(small).subarray(handshakeLength));
  const block = { index: 0, begin: 0, length: 16_384 };
  await send(Buffer.concat([encodeBlocks("request", [block]), encodeBlocks("cancel", [block])]));
  const { turns } = torrent;
  const reads = countReads(torrent);
  const called: string[] = [];
  for (const name of ["first", "second", "third"]) {
    assert.equal(turns?.begin({ onTurn: () => called.push(name) }, 0), false);
  }
  others.rest();
  assert.deepEqual(called, ["first", "second"]);
  assert.equal(reads.count(), 0);
});

test("a peer that others keep waiting is served all the same after half a second", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { theirs, torrent, passTime, send } = await served(t);
  theirs.resume();
  const others = twoOthers(torrent);
  await send(greeting(small).subarray(handshakeLength));
  const reads = countReads(torrent);
  await send(encodeBlocks("request", [{ index: 0, begin: 0, length: 16_384 }]));
  for (let quarter = 1; quarter <= 2; quarter++) {
    assert.equal(reads.count(), 0);
    passTime(249);
    others.goOn(quarter * 250 - 1);
    passTime(1);
    t.mock.timers.tick(250);
  }
  assert.equal(reads.count(), 1);
});

test("a peer that leaves lets others begin", async (t) => {
  const { theirs, ours, torrent, send } = await served(t);
  theirs.pause();
  await send(greeting(small).subarray(handshakeLength));
  const { turns } = torrent;
  assert.ok(turns);
  const blocks = Array.from({ length: 64 }, () => ({ index: 0, begin: 0, length: 131_072 }));
  await send(encodeBlocks("request", blocks));
  turns.goOn({ onTurn: () => undefined }, 0);
  const called = Promise.withResolvers<undefined>();
  assert.ok(!turns.begin({ onTurn: () => called.resolve(undefined) }, 0));
  // Somebody else stays, or the next crowd would begin.
  torrent.listen({ onHave: () => undefined, onIntent: () => undefined, close: () => undefined });
  ours.destroy();
  await called.promise;
});

test("a peer that asks for more as turns end is sent each block once", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { theirs, torrent, passTime, send } = await served(t);
  theirs.resume();
  const { turns } = torrent;
  const others = [{ onTurn: () => undefined }, { onTurn: () => undefined }];
  for (const other of others) assert.ok(turns?.begin(other, 0));
  await send(greeting(small).subarray(handshakeLength));
  const read = torrent.read.bind(torrent);
  const positions: number[] = [];
  torrent.read = (buffer, position) => {
    positions.push(position);
    return read(buffer, position);
  };
  const start = theirs.bytesRead;
  await send(encodeBlocks("request", [{ index: 0, begin: 0, length: 16_384 }]));
  assert.deepEqual(positions, []);
  passTime(3000);
  await send(encodeBlocks("request", [{ index: 0, begin: 16_384, length: 16_384 }]));
  while (theirs.bytesRead < start + 2 * 16_384) await once(theirs, "data");
  assert.deepEqual(positions, [0, 16_384]);
});

test("what a peer asks for and does not take is kept from others for 32 pieces, and single bytes for none", async (t) => {
  const many = blobFixture(40 * 256 * 1024);
  const { theirs, torrent, send } = await served(t, { blob: many });
  theirs.pause();
  await send(greeting(many).subarray(handshakeLength));
  const ask = (length: number) => {
    const indexes = Array.from({ length: many.metainfo.layout.pieceCount }, (_, index) => index);
    return send(
      encodeBlocks(
        "request",
        indexes.map((index) => ({ index, begin: 0, length })),
      ),
    );
  };
  await ask(1);
  assert.deepEqual([...torrent.given(0)], []);
  await ask(16_384);
  const given = [...torrent.given(0)].length;
  assert.ok(given >= 32 && given < 40, `${given} pieces`);
});
