import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type Socket, connect } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { growingInfoHash } from "../growing-torrent.ts";
import { type BlobFixture, blobFixture } from "../testing/blob-fixture.ts";
import type { Place } from "../topology.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { testFolder } from "../testing/test-folder.ts";
import { parseExtendedHandshake } from "./extended-handshake.ts";
import { handshakeLength } from "./handshake.ts";
import { askersOfWholeMax } from "./limits.ts";
import { greeting } from "./scripted-peer.test-support.ts";
import { SwarmEngine } from "./swarm-engine.ts";
import type { SwarmEvent } from "./worker-protocol.ts";

/** Of as many pieces as are not served to everybody. */
const blob = blobFixture(16 * 256 * 1024);

/** The same while its seeder receives it. */
const growing: BlobFixture = {
  ...blob,
  metainfo: {
    ...blob.metainfo,
    infoHash: growingInfoHash({ digest: blob.digest, size: blob.metainfo.layout.size }),
  },
};

/** An engine; its time goes on when it is told to. */
async function openEngine(t: TestContext, place?: Place) {
  const time = { nowMs: 0 };
  const events: SwarmEvent[] = [];
  const emitter = new EventEmitter();
  const connectionsMax = 2 * askersOfWholeMax;
  const engine = cleanUpOf(t).use(
    await SwarmEngine.open({
      settings: {
        ...{ host: "127.0.0.1", port: 0, dedicatedSeeder: true, stallBoundMs: 1000 },
        ...{ connectionsMax, connectionsPerHostMax: connectionsMax, peersPerBlobMax: 10 },
        ...{ limits: undefined, place },
      },
      post: (event) => {
        events.push(event);
        emitter.emit(event.type, event);
      },
      now: () => time.nowMs,
      random: () => 0,
    }),
  );
  const [listening] = events;
  assert.ok(listening?.type === "listening");
  /** Waits for what it tells next of one kind. */
  const told = async (type: SwarmEvent["type"]): Promise<unknown> => {
    const [event] = (await once(emitter, type, { signal: t.signal })) as [unknown];
    return event;
  };
  return { engine, time, port: listening.port, told };
}

/** Comes to the engine as a node does. Gives its connection, and whether it is served. */
async function come(
  t: TestContext,
  port: number,
  wanted = blob,
  { place, host = "127.0.0.1" }: { readonly place?: Place; readonly host?: string } = {},
): Promise<{ socket: Socket; isServed: boolean }> {
  const socket = connect({ port, host: "127.0.0.1", localAddress: host });
  socket.on("error", () => undefined);
  cleanUpOf(t).defer(() => socket.destroy());
  socket.write(greeting(wanted, { whole: false, ...(place && { place }) }));
  let received = Buffer.alloc(0);
  const isGreeted = () =>
    received.length >= handshakeLength + 4 &&
    received.length >= handshakeLength + 4 + received.readUInt32BE(handshakeLength);
  while (!isGreeted()) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    received = Buffer.concat([received, chunk]);
  }
  const length = received.readUInt32BE(handshakeLength);
  const payload = received.subarray(handshakeLength + 6, handshakeLength + 4 + length);
  return { socket, isServed: !parseExtendedHandshake(payload).crowded };
}

async function closing(socket: Socket): Promise<void> {
  await once(socket, "close");
}

/** Comes as often as there are places. */
async function takeAllPlaces(t: TestContext, port: number, wanted = blob): Promise<Socket[]> {
  const places: Socket[] = [];
  for (let asker = 0; asker < askersOfWholeMax; asker++) {
    const { socket, isServed } = await come(t, port, wanted);
    assert.ok(isServed);
    places.push(socket.resume());
  }
  return places;
}

test("who holds a place with a blob for 10 s and asks for nothing leaves it to who comes", async (t) => {
  const { engine, time, port } = await openEngine(t);
  const { infoHash, layout } = blob.metainfo;
  engine.handle({ type: "seed", infoHash, size: layout.size, path: "/nowhere" });
  const places = await takeAllPlaces(t, port);
  time.nowMs = 9999;
  assert.equal((await come(t, port)).isServed, false);
  const left = Promise.race(places.map((socket) => once(socket, "close")));
  time.nowMs = 10_000;
  assert.equal((await come(t, port)).isServed, true);
  await left;
  assert.equal(places.filter(({ closed }) => closed).length, 1);
});

test("who waits for a blob to grow keeps its place until it was told of a piece for 10 s", async (t) => {
  const { engine, time, port } = await openEngine(t);
  const { infoHash, layout } = growing.metainfo;
  // Nothing is read of it, but it is opened.
  const seed = { infoHash, size: layout.size, path: import.meta.filename, movedTo: undefined };
  engine.handle({ type: "seedGrowing", id: 1, ...seed });
  const places = await takeAllPlaces(t, port, growing);
  time.nowMs = 20_000;
  assert.equal((await come(t, port, growing)).isServed, false);
  engine.handle({ type: "grow", id: 1, pieces: 1 });
  time.nowMs = 29_999;
  assert.equal((await come(t, port, growing)).isServed, false);
  const left = Promise.race(places.map((socket) => once(socket, "close")));
  time.nowMs = 30_000;
  assert.equal((await come(t, port, growing)).isServed, true);
  await left;
  assert.equal(places.filter(({ closed }) => closed).length, 1);
});

test("a host that holds all places with a blob leaves half of them to another that comes", async (t) => {
  const { engine, port } = await openEngine(t);
  const { infoHash, layout } = blob.metainfo;
  engine.handle({ type: "seed", infoHash, size: layout.size, path: "/nowhere" });
  // Time stands still, so that none of them is idle.
  const places = await takeAllPlaces(t, port);
  const isServed = async (host: string) => (await come(t, port, blob, { host })).isServed;
  const half = Math.floor(askersOfWholeMax / 2);
  for (let comer = 0; comer < half; comer++) {
    const left = Promise.race(places.filter(({ closed }) => !closed).map(closing));
    assert.equal(await isServed("127.0.0.2"), true, `${comer}`);
    await left;
  }
  assert.equal(await isServed("127.0.0.2"), false);
  assert.equal(await isServed("127.0.0.1"), false);
  assert.equal(places.filter(({ closed }) => closed).length, half);
  // Who comes from a third host has a place as well.
  assert.equal(await isServed("127.0.0.3"), true);
});

test("an engine tells how many found no place, and how often it found none", async (t) => {
  const { engine, port, told } = await openEngine(t);
  const { infoHash, layout } = blob.metainfo;
  engine.handle({ type: "seed", infoHash, size: layout.size, path: "/nowhere" });
  await takeAllPlaces(t, port);
  const given = told("refusals");
  assert.equal((await come(t, port)).isServed, false);
  assert.deepEqual(await given, { type: "refusals", refusals: { given: 1, met: 0 } });

  const path = join(testFolder(t), "wanted");
  await writeFile(path, Buffer.alloc(layout.size));
  const asking = await openEngine(t);
  const met = asking.told("refusals");
  asking.engine.handle({
    ...{ type: "download", id: 1, torrent: blob.metainfo, path, webSeeds: [] },
    ...{ peers: [{ host: "127.0.0.1", port }], hasOrigin: false, isAhead: false },
  });
  assert.deepEqual(await met, { type: "refusals", refusals: { given: 0, met: 1 } });
});

test("nodes of other zones have some places besides, when near ones hold all", async (t) => {
  const [near, far] = [{ zone: "a" }, { zone: "b" }];
  const { engine, time, port } = await openEngine(t, near);
  const { infoHash, layout } = blob.metainfo;
  engine.handle({ type: "seed", infoHash, size: layout.size, path: "/nowhere" });
  await takeAllPlaces(t, port);
  const isServed = async (place?: Place) =>
    (await come(t, port, blob, place && { place })).isServed;
  assert.equal(await isServed(near), false);
  assert.equal(await isServed(), false, "it does not say where it is");
  for (let extra = 0; extra < askersOfWholeMax / 8; extra++) {
    assert.equal(await isServed(far), true, `${extra}`);
  }
  assert.equal(await isServed(far), false);
  // Who is idle leaves its place to who comes, the ordinary ones first and then those of far nodes.
  time.nowMs = 10_000;
  for (let comer = 0; comer < askersOfWholeMax; comer++) {
    assert.equal(await isServed(near), true, `${comer}`);
  }
  assert.equal(await isServed(near), false);
  assert.equal(await isServed(far), true);
});
