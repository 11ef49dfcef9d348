import assert from "node:assert/strict";
import { test } from "node:test";

import { seededRandom } from "../core/testing/seeded-random.ts";
import { familyOfKey, peerKeyOf, peerOfKey } from "./peer-key.ts";
import { PeerTable, type TrackedPeer } from "./peer-table.ts";
import { Swarm, fairShares } from "./swarm.ts";

function tracked(key: string, peerId = ""): TrackedPeer {
  return new PeerTable().heard({ key, family: familyOfKey(key), peerId }, 0);
}

function swarmOf(peers: {
  seeders?: number;
  seeders6?: number;
  leechers?: number;
  leechers6?: number;
}): Swarm {
  const swarm = new Swarm(seededRandom(1));
  const put = (host: string, seeder: boolean) => {
    const key = peerKeyOf({ host, port: 7000 }) ?? "";
    swarm.put(tracked(key), { seeder, nowMs: 0 });
  };
  for (let index = 0; index < (peers.seeders ?? 0); index++) put(`10.0.0.${index}`, true);
  for (let index = 0; index < (peers.leechers ?? 0); index++) put(`10.0.1.${index}`, false);
  for (let index = 0; index < (peers.leechers6 ?? 0); index++) put(`fd00::${index}`, false);
  for (let index = 0; index < (peers.seeders6 ?? 0); index++) put(`fd00:1::${index}`, true);
  return swarm;
}

const everybody = { families: [4, 6], countMax: 20, leechersOnly: false } as const;

function countSeeders(peers: readonly { readonly seeder: boolean }[]): number {
  return peers.filter(({ seeder }) => seeder).length;
}

test("fairShares() shares equally and gives to others what a small group leaves", () => {
  assert.deepEqual(fairShares([100, 100], 20), [10, 10]);
  assert.deepEqual(fairShares([1, 100], 20), [1, 19]);
  assert.deepEqual(fairShares([100, 0, 3, 100], 20), [9, 0, 3, 8]);
  assert.deepEqual(fairShares([2, 3], 20), [2, 3]);
  assert.deepEqual(fairShares([2, 3], -1), [0, 0]);
  assert.deepEqual(fairShares([], 5), []);
});

test("Swarm tells a newcomer of seeders and leechers alike", () => {
  const seedersTold = (swarm: Swarm) => countSeeders(swarm.sample(everybody));
  assert.ok(Math.abs(seedersTold(swarmOf({ seeders: 50, leechers: 50 })) - 10) <= 1);
  assert.equal(seedersTold(swarmOf({ seeders: 1, leechers: 50 })), 1);
  assert.ok(seedersTold(swarmOf({ seeders: 50, leechers: 1 })) >= 19);
});

test("Swarm tells seeders of leechers only, and nobody of itself", () => {
  const swarm = swarmOf({ seeders: 5, leechers: 5 });
  assert.equal(countSeeders(swarm.sample({ ...everybody, leechersOnly: true })), 0);
  const key = peerKeyOf({ host: "10.0.0.1", port: 7000 }) ?? "";
  const except = { key, family: 4, peerId: "me" } as const;
  const told = swarm.sample({ ...everybody, except });
  assert.equal(told.length, 9);
  assert.ok(told.every((peer) => peer.tracked.key !== key));
});

test("Swarm tells of peers of different addresses first, and of all where there is one", () => {
  const swarm = swarmOf({ leechers: 20 });
  const put = (port: number) => {
    const key = peerKeyOf({ host: "10.0.9.9", port }) ?? "";
    swarm.put(tracked(key), { seeder: false, nowMs: 0 });
  };
  for (let port = 1; port <= 80; port++) put(port);
  const told = swarm.sample(everybody);
  assert.equal(told.length, 20);
  const hosts = new Set(told.map((peer) => peerOfKey(peer.tracked.key).host));
  assert.ok(hosts.size >= 19, `${hosts.size} hosts`);
  for (let host = 0; host < 20; host++) {
    swarm.remove(peerKeyOf({ host: `10.0.1.${host}`, port: 7000 }) ?? "");
  }
  assert.equal(swarm.sample(everybody).length, 20);
});

test("Swarm keeps to the families and the number that are wanted", () => {
  const swarm = swarmOf({ leechers: 5, leechers6: 5 });
  const six = swarm.sample({ ...everybody, families: [6] });
  assert.deepEqual(six.map((peer) => peerOfKey(peer.tracked.key).host).sort(), [
    "fd00::",
    "fd00::1",
    "fd00::2",
    "fd00::3",
    "fd00::4",
  ]);
  assert.equal(swarm.sample({ ...everybody, countMax: 3 }).length, 3);
  assert.deepEqual(swarm.sample({ ...everybody, countMax: 0 }), []);
});

test("Swarm puts seeders before others where it is asked to", () => {
  const told = swarmOf({ seeders: 3, leechers: 20, leechers6: 20 }).sampleSeedersFirst(10);
  assert.deepEqual(
    told.map(({ seeder }) => seeder),
    [true, true, true, false, false, false, false, false, false, false],
  );
});

test("Swarm tells of seeders of both families, however many there are of one", () => {
  const told = swarmOf({ seeders: 60, seeders6: 3 }).sampleSeedersFirst(50);
  assert.equal(told.length, 50);
  assert.equal(told.filter((peer) => peer.tracked.family === 6).length, 3);
});

test("Swarm does not tell a peer of its address of the other family", () => {
  const swarm = new Swarm(Math.random);
  const peerAt = (host: string, peerId: string) =>
    tracked(peerKeyOf({ host, port: 7000 }) ?? "", peerId);
  const own = [peerAt("10.0.0.1", "a"), peerAt("fd00::1", "a")] as const;
  const others = [peerAt("10.0.0.2", "b"), peerAt("fd00::2", "b"), peerAt("10.0.0.3", "a")];
  for (const peer of [...own, ...others]) swarm.put(peer, { seeder: false, nowMs: 0 });
  const told = swarm.sample({ ...everybody, countMax: 3, except: own[0] });
  assert.deepEqual(
    told.map((peer) => peer.tracked.key).sort(),
    others.map(({ key }) => key).sort(),
  );
});

test("Swarm counts a leecher that becomes a seeder once", () => {
  const swarm = new Swarm(Math.random);
  const peer = tracked("abcdef");
  swarm.put(peer, { seeder: false, nowMs: 0 });
  swarm.put(peer, { seeder: true, nowMs: 0 });
  assert.equal(swarm.size, 1);
  assert.equal(swarm.seederCount, 1);
  assert.equal(swarm.remove(peer.key)?.tracked, peer);
  assert.equal(swarm.remove(peer.key), undefined);
  assert.equal(swarm.size, 0);
});

test("Swarm.expired() gives who did not announce itself or is gone, and only them", () => {
  const swarm = new Swarm(Math.random);
  const [a, b, c] = [tracked("aaaaaa"), tracked("bbbbbb"), tracked("cccccc")];
  swarm.put(a, { seeder: true, nowMs: 10_000 });
  swarm.put(b, { seeder: true, nowMs: 20_000 });
  swarm.put(c, { seeder: true, nowMs: 30_000 });
  swarm.put(a, { seeder: true, nowMs: 40_000 });
  const expired = (beforeMs: number) => [...swarm.expired(beforeMs)].map((peer) => peer.tracked);
  assert.deepEqual(expired(25_000), [b]);
  c.isGone = true;
  assert.deepEqual(expired(20_000), [c]);
  assert.deepEqual(expired(100_000), [a, b, c]);
});
