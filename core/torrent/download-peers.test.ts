import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { HostLimits } from "../limits/host-limits.ts";
import { createPeerId } from "../peer-id.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import type { PieceSource } from "./assignment.ts";
import { DialSlots } from "./dial-slots.ts";
import { DownloadPeers, type DownloadPeersDeps } from "./download-peers.ts";
import { PieceClient } from "./piece-client.ts";
import { scriptedPeer } from "./scripted-peer.test-support.ts";
import { encodeBitfield } from "./wire-message.ts";

const ignore = () => undefined;

const blob = blobFixture(1000);

const manySlots = { connectionsMax: 100, connectionsPerHostMax: 100, onFree: ignore };

function openPeers(
  t: TestContext,
  deps: Pick<DownloadPeersDeps, "peersPerBlobMax"> &
    Partial<Pick<DownloadPeersDeps, "dialSlots" | "random" | "self">>,
  onOpen: () => void = ignore,
): DownloadPeers {
  const owner = {
    ...{ assign: ignore, onPiece: ignore, onGaveUp: ignore, onFault: ignore },
    ...{ onOpen, onHave: ignore, onBegun: ignore, onIntent: ignore },
    onClosed: (client: PieceSource) => {
      if (client instanceof PieceClient) peers.left(client);
    },
  };
  const peers = new DownloadPeers({
    ...{ torrent: blob.metainfo, peerId: createPeerId(), isAhead: () => false },
    self: { blockLengthMax: 16384, dedicatedSeeder: false, whole: false, listenPort: 0 },
    receiveBuffer: Buffer.alloc(1),
    openPassage: () => new HostLimits().passage(["download"], { flow: "" }),
    ...{ now: () => 0, random: Math.random, owner },
    ...{ dialSlots: new DialSlots(manySlots), ...deps },
  });
  cleanUpOf(t).defer(() => closeAll(peers));
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

test("a host with many addresses leaves places to others, and has those that nobody else wants", (t) => {
  const peers = openPeers(t, { peersPerBlobMax: 8 });
  peers.add(Array.from({ length: 20 }, (_, port) => local(port + 1)));
  const others = [2, 3, 4].map((end) => ({ host: `127.0.0.${end}`, port: 1 }));
  peers.add(others);
  peers.dial();
  assert.equal(peers.clients.size, 8);
  const dialled = [...peers.clients].map(({ address }) => address);
  assert.deepEqual(
    dialled.filter(({ host }) => host !== "127.0.0.1"),
    others,
  );
});

test("a host that comes with many ports fills no address book", (t) => {
  const peers = openPeers(t, { peersPerBlobMax: 100 });
  for (let port = 1; port <= 600; port++) peers.meet(local(port), undefined);
  peers.meet(newcomer, undefined);
  peers.dial();
  assert.equal(peers.clients.size, 17);
  assert.ok([...peers.clients].some(({ address }) => address.host === newcomer.host));
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

/** A download that is connected with two nodes or more, which have nothing yet, and may have no more. */
async function fullDownload(
  t: TestContext,
  deps: Partial<Pick<DownloadPeersDeps, "random" | "self" | "peersPerBlobMax">>,
) {
  const nobody = encodeBitfield(Buffer.from([0]));
  const script = { whole: false, afterGreeting: nobody, onRequest: ignore };
  const { peersPerBlobMax = 2 } = deps;
  const starting = Array.from({ length: peersPerBlobMax }, () => scriptedPeer(t, blob, script));
  const nodes = await Promise.all(starting);
  const opened = Promise.withResolvers<undefined>();
  const onOpen = () => {
    if (peers.openCount === peersPerBlobMax) opened.resolve(undefined);
  };
  const peers = openPeers(t, { peersPerBlobMax, ...deps }, onOpen);
  peers.add(nodes.map(({ address }) => address));
  peers.dial();
  await opened.promise;
  return { peers, known: nodes.map(({ address }) => address) };
}

test("a node that comes to a download with all its peers takes the place of one by chance", async (t) => {
  const chances = [0.7, 0.5, 0.3];
  const { peers, known } = await fullDownload(t, { random: () => chances.shift() ?? 0 });
  const before = portsOf(peers);
  peers.meet(newcomer, undefined);
  peers.dial();
  assert.deepEqual(portsOf(peers), before, "three are known: the chance is two in three");
  peers.meet({ host: "127.0.0.3", port: 8 }, undefined);
  assert.deepEqual(portsOf(peers), before, "four are known: the chance is a half");
  peers.meet({ host: "127.0.0.4", port: 7 }, undefined);
  assert.equal(peers.clients.size, 1, "five are known");
  peers.dial();
  assert.deepEqual(portsOf(peers), [7, known[1]?.port], "and it is dialled before the others");
});

test("a node that comes to a download with room for it is asked as well", (t) => {
  const peers = openPeers(t, { peersPerBlobMax: 3 });
  peers.add([local(1), local(2)]);
  peers.dial();
  peers.meet(newcomer, undefined);
  peers.dial();
  assert.deepEqual(portsOf(peers), [1, 2, 9]);
});

test("nobody gives way to a node that is known, far away, or another of its host's", async (t) => {
  const place = { region: "r", zone: "one" };
  const self = { blockLengthMax: 16384, dedicatedSeeder: false, whole: false, listenPort: 0 };
  const { peers, known } = await fullDownload(t, { random: () => 0, self: { ...self, place } });
  const [first] = known;
  assert.ok(first);
  peers.meet(first, place);
  peers.meet(local(3), place);
  peers.meet(newcomer, { region: "r", zone: "two" });
  assert.equal(peers.clients.size, 2);
  peers.meet({ host: "fd00::1", port: 1 }, place);
  assert.equal(peers.clients.size, 1);
  peers.dial();
  peers.meet({ host: "fd00::2", port: 1 }, place);
  assert.equal(peers.clients.size, 2, "a network of 64 bits may be all one host's");
});

test("nodes of one IPv6 network take half of the places of others, as one host may be all of them", async (t) => {
  const { peers } = await fullDownload(t, { random: () => 0, peersPerBlobMax: 4 });
  for (const [end, isTaken] of [true, true, false].entries()) {
    assert.equal(peers.meet({ host: `fd00::${end + 1}`, port: 1 }, undefined), isTaken, `${end}`);
    peers.dial();
    assert.equal(peers.clients.size, 4);
  }
});
