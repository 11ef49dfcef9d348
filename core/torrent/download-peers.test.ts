import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { HostLimits } from "../limits/host-limits.ts";
import { createPeerId } from "../peer-id.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import type { PieceSource } from "./assignment.ts";
import { DialSlots } from "./dial-slots.ts";
import { DownloadPeers, type DownloadPeersDeps } from "./download-peers.ts";
import { PieceClient } from "./piece-client.ts";

const ignore = () => undefined;

const manySlots = { connectionsMax: 100, connectionsPerHostMax: 100, onFree: ignore };

function openPeers(
  t: TestContext,
  deps: Pick<DownloadPeersDeps, "peersPerBlobMax"> &
    Partial<Pick<DownloadPeersDeps, "dialSlots" | "random" | "self">>,
): DownloadPeers {
  const owner = {
    ...{ assign: ignore, onPiece: ignore, onGaveUp: ignore, onFault: ignore },
    ...{ onOpen: ignore, onHave: ignore, onIntent: ignore },
    onClosed: (client: PieceSource) => {
      if (client instanceof PieceClient) peers.left(client);
    },
  };
  const peers = new DownloadPeers({
    ...{ torrent: blobFixture(1000).metainfo, peerId: createPeerId(), isAhead: () => false },
    self: { blockLengthMax: 16384, dedicatedSeeder: false, whole: false, listenPort: 0 },
    receiveBuffer: Buffer.alloc(1),
    openPassage: () => new HostLimits().passage(["download"], { flow: "" }),
    ...{ now: () => 0, random: Math.random, owner },
    ...{ dialSlots: new DialSlots(manySlots), ...deps },
  });
  t.after(() => closeAll(peers));
  return peers;
}

function closeAll(peers: DownloadPeers): void {
  for (const client of peers.clients) client.close("the test is over");
}

test("a download dials no more peers at once than it may", (t) => {
  const peers = openPeers(t, { peersPerBlobMax: 2, dialSlots: new DialSlots(manySlots) });
  peers.add([1, 2, 3, 4, 5].map((port) => ({ host: "127.0.0.1", port })));
  peers.dial();
  assert.equal(peers.clients.size, 2);
  peers.dial();
  assert.equal(peers.clients.size, 2);
});

test("downloads share what a peer takes, and have its places again when they hang up", (t) => {
  const dialSlots = new DialSlots({
    connectionsMax: 100,
    connectionsPerHostMax: 2,
    onFree: ignore,
  });
  const [one, other] = [1, 2].map(() => openPeers(t, { peersPerBlobMax: 9, dialSlots }));
  assert.ok(one && other);
  for (const peers of [one, other]) {
    peers.add([{ host: "127.0.0.1", port: 1 }]);
    peers.dial();
  }
  assert.deepEqual([one.clients.size, one.isWaiting], [1, false]);
  assert.deepEqual([other.clients.size, other.isWaiting], [0, true]);
  closeAll(one);
  other.dial();
  assert.deepEqual([other.clients.size, other.isWaiting], [1, false]);
});

/** Ports of the peers that a download is connected with, or is about to be. */
function portsOf(peers: DownloadPeers): number[] {
  return [...peers.clients].map(({ address }) => address.port).sort((one, other) => one - other);
}

const local = (port: number) => ({ host: "127.0.0.1", port });
const newcomer = { host: "127.0.0.2", port: 9 };

test("a node that comes to a download with all its peers takes the place of one by chance", (t) => {
  const chances = [0.7, 0.5, 0.3];
  const random = () => chances.shift() ?? 0;
  const peers = openPeers(t, { peersPerBlobMax: 2, random });
  peers.add([local(1), local(2)]);
  peers.dial();
  peers.meet(newcomer, undefined);
  peers.dial();
  assert.deepEqual(portsOf(peers), [1, 2], "three are known: the chance is two in three");
  peers.meet({ ...newcomer, host: "127.0.0.3", port: 8 }, undefined);
  assert.deepEqual(portsOf(peers), [1, 2], "four are known: the chance is a half");
  peers.meet({ ...newcomer, host: "127.0.0.4", port: 7 }, undefined);
  assert.equal(peers.clients.size, 1, "five are known");
  peers.dial();
  assert.equal(peers.clients.size, 2);
  assert.ok(portsOf(peers).some((port) => port > 2));
});

test("a node that comes to a download with room for it is asked as well", (t) => {
  const peers = openPeers(t, { peersPerBlobMax: 3 });
  peers.add([local(1), local(2)]);
  peers.dial();
  peers.meet(newcomer, undefined);
  peers.dial();
  assert.deepEqual(portsOf(peers), [1, 2, 9]);
});

test("nobody gives way to a node that is known, far away, or another of its host's", (t) => {
  const place = { region: "r", zone: "one" };
  const self = { blockLengthMax: 16384, dedicatedSeeder: false, whole: false, listenPort: 0 };
  const peers = openPeers(t, { peersPerBlobMax: 2, random: () => 0, self: { ...self, place } });
  peers.add([local(1), local(2)]);
  peers.dial();
  peers.meet(local(1), place);
  peers.meet(local(3), place);
  peers.meet(newcomer, { region: "r", zone: "two" });
  assert.deepEqual(portsOf(peers), [1, 2]);
  peers.meet({ ...newcomer, host: "127.0.0.3" }, place);
  assert.equal(peers.clients.size, 1);
});
