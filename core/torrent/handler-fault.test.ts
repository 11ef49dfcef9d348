import assert from "node:assert/strict";
import { once } from "node:events";
import { type Socket, connect, createServer } from "node:net";
import { type TestContext, test } from "node:test";

import { HostLimits } from "../limits/host-limits.ts";
import { createPeerId } from "../peer-id.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { BufferPool } from "./buffer-pool.ts";
import { PieceClient } from "./piece-client.ts";
import { PieceServer } from "./piece-server.ts";
import { greeting, honestly, listen, scriptedPeer } from "./scripted-peer.test-support.ts";
import { ServedTorrent } from "./served-torrent.ts";
import { SwarmEngine } from "./swarm-engine.ts";
import { encodeBlocks } from "./wire-message.ts";
import type { SwarmEvent } from "./worker-protocol.ts";

const blob = blobFixture(1024 * 1024);
const { infoHash, layout } = blob.metainfo;
const self = { blockLengthMax: 1 << 18, dedicatedSeeder: false, listenPort: 1 };

/** Both ends of a connection. */
async function connected(t: TestContext): Promise<{ ours: Socket; theirs: Socket }> {
  const server = createServer();
  const { port } = await listen(t, server);
  const theirs = connect(port, "127.0.0.1");
  const [ours] = (await once(server, "connection")) as [Socket];
  cleanUpOf(t).defer(() => {
    ours.destroy();
    theirs.destroy();
  });
  theirs.on("error", () => undefined).resume();
  return { ours, theirs };
}

/** A server on a connection, and its end: with the faults that it told. */
function serverOn(socket: Socket, torrent: ServedTorrent, buffers: BufferPool) {
  const faults: unknown[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<string>();
  const server = new PieceServer({
    ...{ socket, torrent, peerId: createPeerId(), self, buffers, now: () => 0 },
    onOffence: (reason) => faults.push(reason),
    passage: new HostLimits().passage(["upload"], { flow: infoHash }),
    onClosed: (_, reason) => resolve(reason),
    onFault: (error) => faults.push(error),
  });
  server.start(Buffer.alloc(0));
  return { server, closed, faults };
}

test("a bug met while a peer is served ends that peer's connection only", async (t) => {
  const { ours, theirs } = await connected(t);
  const torrent = new ServedTorrent({ infoHash, layout, path: "/nowhere" });
  const bug = new TypeError("a bug");
  torrent.onPeer = () => {
    throw bug;
  };
  const { closed, faults } = serverOn(ours, torrent, new BufferPool(1 << 20));
  theirs.write(greetingWithPort());
  assert.equal(await closed, "internal error");
  assert.deepEqual(faults, [bug]);
  assert.equal(torrent.listeners.size, 0);
});

test("a bug met while a peer is asked ends that peer's connection only", async (t) => {
  const peer = await scriptedPeer(t, blob, { onRequest: honestly(blob) });
  const bug = new TypeError("a bug");
  const faults: unknown[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<string>();
  new PieceClient({
    ...{ address: peer.address, infoHash, layout, isGrowing: false, peerId: createPeerId() },
    isDoubtful: false,
    ...{ self: { ...self, whole: false }, now: () => 0, receiveBuffer: Buffer.alloc(65536) },
    passage: new HostLimits().passage(["download"], { flow: infoHash }),
    isTwin: () => false,
    owner: {
      onOpen: () => {
        throw bug;
      },
      ...{ onHave: ignore, onBegun: ignore, onIntent: ignore, onPiece: ignore, onGaveUp: ignore },
      assign: () => undefined,
      onClosed: (_, __, reason) => resolve(reason),
      onFault: (_, error) => faults.push(error),
    },
  });
  assert.equal(await closed, "internal error");
  assert.deepEqual(faults, [bug]);
});

test("a server that waits for a buffer has one timer, and none once it is closed", async (t) => {
  const { ours, theirs } = await connected(t);
  const torrent = new ServedTorrent({ infoHash, layout, path: "/nowhere" });
  const buffers = new BufferPool(1);
  assert.ok(buffers.take(1));
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === "Timeout").length;
  const before = timers();
  const { server, closed } = serverOn(ours, torrent, buffers);
  const blocks = Array.from({ length: 100 }, () => ({ index: 0, begin: 0, length: 16384 }));
  theirs.write(Buffer.concat([greetingWithPort(), encodeBlocks("request", blocks)]));
  while (timers() === before) await once(ours, "data");
  assert.equal(timers(), before + 1);
  server.close("enough");
  assert.equal(await closed, "enough");
  assert.equal(timers(), before);
});

test("a command that meets a bug fails alone, and the engine goes on", async (t) => {
  const events: SwarmEvent[] = [];
  const engine = cleanUpOf(t).use(
    await SwarmEngine.open({
      settings: {
        ...{ host: "127.0.0.1", port: 0, dedicatedSeeder: false },
        ...{ stallBoundMs: 1000, connectionsMax: 10, connectionsPerHostMax: 10 },
        ...{ peersPerBlobMax: 10, limits: undefined, place: undefined },
      },
      post: (event) => events.push(event),
      now: () => 0,
      random: () => 0,
    }),
  );
  const torrent = { ...blob.metainfo, layout: { ...layout, pieceCount: -1 } };
  engine.handle({
    type: "download",
    id: 7,
    torrent,
    path: "/",
    peers: [],
    webSeeds: [],
    hasOrigin: false,
    isAhead: false,
  });
  engine.handle({ type: "stop", id: 7 });
  engine.handle({ type: "seed", infoHash, size: layout.size, path: "/nowhere" });
  assert.deepEqual(
    events.map(({ type }) => type),
    ["listening", "log", "failed", "stopped"],
  );
});

/** What a node sends after its handshake, with a port on which it takes peers. */
function greetingWithPort(): Buffer {
  const bytes = greeting(blob).subarray(68).toString("latin1");
  return Buffer.from(bytes.replace("1:pi0e", "1:pi9e"), "latin1");
}

function ignore(): void {
  // Nothing to do.
}
