import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";

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

/** Peers of a download that is to have a blob of one piece. */
function openPeers(clock: ManualClock, limits: HostLimits): DownloadPeers {
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
    openPassage: () => limits.passage(["download"], { flow: "" }),
    now: () => clock.monotonicMs(),
    dialSlots: new DialSlots({ connectionsMax: 9, connectionsPerHostMax: 9, onFree: ignore }),
  });
  return peers;
}

/** A peer that was asked for the blob, and answers as a test has it. */
async function askedPeer(t: TestContext, limits = new HostLimits()) {
  const clock = new ManualClock();
  const asked = Promise.withResolvers<[Block, Socket]>();
  const peer = await scriptedPeer(t, blob, {
    onRequest: (block, _, socket) => asked.resolve([block, socket]),
  });
  const peers = openPeers(clock, limits);
  peers.add([peer.address]);
  peers.dial();
  const [client] = peers.clients;
  assert.ok(client);
  cleanUpOf(t).defer(() => client.close("the test is over"));
  const [block, socket] = await asked.promise;
  const { begin, length } = block;
  const bytes = framed(block, blob.bytes.subarray(begin, begin + length));
  /** Sends what is left up to a byte of the answer, after a second, and waits for it to come. */
  const sendUntil = async (start: number, end: number) => {
    clock.advance(1000);
    const before = client.rate;
    socket.write(bytes.subarray(start, end));
    while (client.rate === before) await new Promise((resolve) => setImmediate(resolve));
  };
  return { peers, client, sendUntil, length: bytes.length };
}

test("peers that give next to nothing do not supply a download, until they give more", async (t) => {
  const { peers, client, sendUntil, length } = await askedPeer(t);
  assert.equal(peers.supplierCount, 1, "nothing is known of it");
  await sendUntil(0, 5000);
  assert.deepEqual([client.stalled, peers.supplierCount], [false, 0]);
  await sendUntil(5000, length - 1);
  assert.deepEqual([client.isBusy, peers.supplierCount], [true, 1]);
});

test("peers of which our limits take next to nothing supply a download all the same", async (t) => {
  const time = { now: () => 0n, wakeAfter: () => ignore };
  const limits = new HostLimits({ time });
  limits.set({ upload: 0, download: 1000, origin: 0, preheat: 0 });
  const other = limits.passage(["download"], { flow: "other" });
  cleanUpOf(t).defer(() => other.cancel());
  // What may pass at once goes to others.
  assert.equal(other.pass(1_000_000, ignore), false);
  const { peers, client, sendUntil } = await askedPeer(t, limits);
  await sendUntil(0, 5000);
  assert.ok(client.rate < 5001);
  assert.deepEqual([client.isBusy, client.isHeldBack, peers.supplierCount], [true, true, 1]);
});
