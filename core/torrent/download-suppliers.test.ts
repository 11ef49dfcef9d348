import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";

import { HostLimits } from "../limits/host-limits.ts";
import { createPeerId } from "../peer-id.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { PieceSource } from "./assignment.ts";
import { DialSlots } from "./dial-slots.ts";
import { DownloadPeers } from "./download-peers.ts";
import { PieceClient } from "./piece-client.ts";
import { framed, scriptedPeer } from "./scripted-peer.test-support.ts";
import type { Block } from "./wire-message.ts";

const ignore = () => undefined;

const blob = blobFixture(100_000);
const { layout } = blob.metainfo;

test("peers that give next to nothing do not supply a download, until they give more", async (t) => {
  const clock = new ManualClock();
  const asked = Promise.withResolvers<[Block, Socket]>();
  const peer = await scriptedPeer(t, blob, {
    onRequest: (block, _, socket) => asked.resolve([block, socket]),
  });
  const owner = {
    ...{ onOpen: ignore, onHave: ignore, onBegun: ignore, onIntent: ignore },
    ...{ onPiece: ignore, onGaveUp: ignore },
    assign: (source: PieceSource) =>
      source.has(0) ? { index: 0, buffer: Buffer.alloc(layout.size) } : undefined,
    onFault: (_: PieceSource, error: unknown) => assert.fail(String(error)),
    onClosed: (client: PieceSource) => {
      if (client instanceof PieceClient) peers.left(client);
    },
  };
  const peers = new DownloadPeers({
    ...{ torrent: blob.metainfo, peerId: createPeerId(), isAhead: () => false, owner },
    self: { blockLengthMax: 1 << 18, dedicatedSeeder: false, whole: false, listenPort: 0 },
    ...{ peersPerBlobMax: 9, receiveBuffer: Buffer.alloc(65_536), random: () => 0 },
    openPassage: () => new HostLimits().passage(["download"], { flow: "" }),
    now: () => clock.monotonicMs(),
    dialSlots: new DialSlots({ connectionsMax: 9, connectionsPerHostMax: 9, onFree: ignore }),
  });
  peers.add([peer.address]);
  peers.dial();
  const [client] = peers.clients;
  assert.ok(client);
  cleanUpOf(t).defer(() => client.close("the test is over"));
  const [block, socket] = await asked.promise;
  assert.equal(peers.supplierCount, 1, "nothing is known of it");
  const { begin, length } = block;
  const bytes = framed(block, blob.bytes.subarray(begin, begin + length));
  /** Sends what is left up to a byte of the answer, after a second, and waits for it to come. */
  const sendUntil = async (start: number, end: number) => {
    clock.advance(1000);
    const before = client.rate;
    socket.write(bytes.subarray(start, end));
    while (client.rate === before) await new Promise((resolve) => setImmediate(resolve));
  };
  await sendUntil(0, 5000);
  assert.deepEqual([client.stalled, peers.supplierCount], [false, 0]);
  await sendUntil(5000, bytes.length - 1);
  assert.deepEqual([client.isBusy, peers.supplierCount], [true, 1]);
});
