import assert from "node:assert/strict";
import { Agent } from "node:http";
import { type Socket, createServer } from "node:net";
import { type TestContext, test } from "node:test";

import { Notifier } from "../async/notifier.ts";
import { HostLimits } from "../limits/host-limits.ts";
import { createPeerId } from "../peer-id.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { ArrivingBlob } from "./arriving-blob.ts";
import { BufferPool } from "./buffer-pool.ts";
import { DialSlots } from "./dial-slots.ts";
import { PieceGivers } from "./piece-givers.ts";
import { PieceHashes } from "./piece-hashes.ts";
import { PiecePicker } from "./piece-picker.ts";
import { greeting, honestly, listen, scriptedPeer } from "./scripted-peer.test-support.ts";
import { SourceDealings } from "./source-dealings.ts";

const fixture = blobFixture(1000);
const torrent = fixture.metainfo;
const ignore = () => undefined;

/** The dealings of a download of one piece with up to 200 nodes at once. */
function openDealings(t: TestContext) {
  const hashes = new PieceHashes(torrent);
  const picker = new PiecePicker({ pieceCount: torrent.layout.pieceCount, random: () => 0 });
  const { promise: written, resolve } = Promise.withResolvers<undefined>();
  const refusals = new Notifier();
  let refusalCount = 0;
  const dealings = new SourceDealings({
    means: {
      ...{ torrent, peersPerBlobMax: 200, webSeeds: [], hasOrigin: false, peerId: createPeerId() },
      dialSlots: new DialSlots({ connectionsMax: 999, connectionsPerHostMax: 9, onFree: ignore }),
      self: { blockLengthMax: 16384, dedicatedSeeder: false, whole: false, listenPort: 0 },
      ...{ receiveBuffer: Buffer.alloc(65536), now: () => 0, random: () => 0 },
      ...{ limits: new HostLimits(), buffers: new BufferPool(1 << 20), webAgent: new Agent() },
      stockPeers: { fetch: () => Promise.resolve() },
      onRefused: () => {
        refusalCount++;
        refusals.notify();
      },
      events: {
        ...{ onPiece: ignore, onIntent: ignore, onBytes: ignore, onGoodSources: ignore },
        ...{ onOriginWanted: ignore, onHurry: ignore, onDetail: ignore },
        onWarning: (message) => assert.fail(message),
        onFault: (error) => assert.fail(String(error)),
      },
    },
    ...{ hashes, blob: new ArrivingBlob(torrent, hashes), picker, givers: new PieceGivers() },
    choice: { next: (source) => picker.pick(source), isUrgentFor: () => false },
    supply: { heard: ignore, pieceCame: ignore },
    ...{ isAsking: () => true, isAhead: () => false },
    onWritten: () => resolve(undefined),
    onFailed: (error) => assert.fail(error),
  });
  cleanUpOf(t).defer(() => dealings[Symbol.asyncDispose]());
  const refused = async (count: number) => {
    while (refusalCount < count) await refusals.changed(t.signal);
  };
  return { dealings, written, refused };
}

/** Listens on all addresses of this machine as a node that serves others. Gives its port. */
async function crowdedNode(t: TestContext): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", ignore).on("close", () => sockets.delete(socket));
    socket.resume().write(greeting(fixture, { crowded: true }));
  });
  return (await listen(t, server, sockets, "0.0.0.0")).port;
}

function hosts(network: string, count: number, port: number) {
  return Array.from({ length: count }, (_, index) => ({
    ...{ host: `${network}.${index >> 8}.${index & 255}`, port },
  }));
}

test("who gave a right piece is known still after a flood of addresses", async (t) => {
  const { dealings, written, refused } = openDealings(t);
  const { peers } = dealings;
  const giver = await scriptedPeer(t, fixture, { onRequest: honestly(fixture) });
  const others = hosts("127.1", 129, await crowdedNode(t));
  // Of 500 that a download remembers 130 are live, which is more than it keeps for good.
  peers.add([giver.address, ...others]);
  dealings.dial();
  await written;
  await refused(others.length);
  dealings.sources.close("the blob is whole");
  peers.add(hosts("10.0", 371, 1));
  assert.equal(peers.meet(giver.address, undefined), false, "it is no news");
  const [forgotten] = others;
  assert.ok(forgotten);
  assert.equal(peers.meet(forgotten, undefined), true);
});
