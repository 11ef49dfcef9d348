import assert from "node:assert/strict";
import { test } from "node:test";

import { seededRandom } from "../core/testing/seeded-random.ts";
import { PeerGroup, type SwarmPeer } from "./peer-group.ts";
import { ZonePeers } from "./zone-peers.ts";

function peer(key: string): SwarmPeer {
  const identity = { key, family: 4, peerId: "" } as const;
  const tracked = { ...identity, admission: 1, swarmCount: 1, heardMs: 0, isGone: false };
  return { tracked, seeder: false, seenSeconds: 0, index: 0, zone: new ZonePeers() };
}

test("PeerGroup draws different peers, each about as often as any other", () => {
  const group = new PeerGroup();
  const drawn = new Map<string, number>();
  for (let index = 0; index < 100; index++) group.add(peer(String(index)));
  const random = seededRandom(1);
  for (let round = 0; round < 2000; round++) {
    const keys = group.sample(10, random).map(({ tracked }) => tracked.key);
    assert.equal(new Set(keys).size, 10);
    for (const key of keys) drawn.set(key, (drawn.get(key) ?? 0) + 1);
  }
  // 200 are expected; six standard deviations are 80.
  assert.equal(drawn.size, 100);
  for (const times of drawn.values()) assert.ok(times > 120 && times < 280, String(times));
});

test("PeerGroup keeps its peers apart while they come, are drawn and go", () => {
  const group = new PeerGroup();
  const random = seededRandom(2);
  const model = new Map<string, SwarmPeer>();
  for (let step = 0; step < 5000; step++) {
    const key = String(Math.floor(random() * 50));
    const known = model.get(key);
    if (known) {
      group.remove(known);
      model.delete(key);
    } else {
      const added = peer(key);
      group.add(added);
      model.set(key, added);
    }
    const all = group.sample(100, random).map((drawn) => drawn.tracked.key);
    assert.deepEqual(all.sort(), [...model.keys()].sort());
  }
});

test("PeerGroup draws nothing from nothing", () => {
  assert.deepEqual(new PeerGroup().sample(10, Math.random), []);
});
