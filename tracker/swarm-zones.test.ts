import assert from "node:assert/strict";
import { test } from "node:test";

import { type Place, isFar } from "../core/topology.ts";
import { seededRandom } from "../core/testing/seeded-random.ts";
import { familyOfKey, peerKeyOf } from "./peer-key.ts";
import { PeerTable } from "./peer-table.ts";
import { Swarm } from "./swarm.ts";

const wish = { families: [4, 6], countMax: 50, leechersOnly: false } as const;
const [a, b, c] = ["a", "b", "c"].map((zone) => ({ region: "eu", zone }));
const abroad = { region: "us", zone: "a" };

function bench() {
  const swarm = new Swarm(seededRandom(1));
  const table = new PeerTable();
  let count = 0;
  const put = (place: Place | undefined, options: { seeders?: number; leechers?: number }) => {
    for (const seeder of [true, false]) {
      const wanted = (seeder ? options.seeders : options.leechers) ?? 0;
      for (let index = 0; index < wanted; index++) {
        const host = `10.${Math.floor(count / 65536)}.${Math.floor(count / 256) % 256}.${count % 256}`;
        const key = peerKeyOf({ host, port: 7000 }) ?? "";
        const peer = { key, family: familyOfKey(key), peerId: `${count++}`, place };
        swarm.put(table.heard(peer, 0), { seeder, nowMs: 0 });
      }
    }
  };
  /** How many of the asker's own zone and of others are told to it, and whether in that order. */
  const told = (place: Place | undefined) => {
    const far = swarm.sample({ ...wish, place }).map(({ tracked }) => isFar(place, tracked.place));
    const nearCount = far.filter((isOne) => !isOne).length;
    const isInOrder = far.every((isOne, index) => isOne === index >= nearCount);
    return { near: nearCount, far: far.length - nearCount, isInOrder };
  };
  return { swarm, put, told };
}

test("Swarm tells of peers of the asker's zone first, and of a few others", () => {
  const { put, told } = bench();
  for (const place of [a, b, c]) put(place, { leechers: 100 });
  put(a, { seeders: 1 });
  assert.deepEqual(told(a), { near: 48, far: 2, isInOrder: true });
  assert.deepEqual(told(b), { near: 47, far: 3, isInOrder: true });
});

test("Swarm makes up for a zone of few peers with others", () => {
  const { put, told } = bench();
  put(a, { leechers: 2 });
  put(b, { leechers: 100, seeders: 100 });
  assert.deepEqual(told(a), { near: 2, far: 14, isInOrder: true });
});

test("Swarm tells of far peers of the asker's region before those of other ones", () => {
  const { swarm, put } = bench();
  put(a, { leechers: 100 });
  put(b, { leechers: 2 });
  put(abroad, { leechers: 1000, seeders: 1 });
  const far = swarm.sample({ ...wish, place: a }).filter(({ tracked }) => isFar(a, tracked.place));
  assert.deepEqual(
    far.map(({ tracked, seeder }) => [seeder, tracked.place?.region]),
    [
      [true, "us"],
      [false, "eu"],
      [false, "eu"],
    ],
  );
});

test("Swarm tells who does not say where it is of peers everywhere", () => {
  const { swarm, put } = bench();
  for (const place of [a, b, undefined]) put(place, { leechers: 100 });
  const told = swarm.sample(wish);
  assert.equal(told.length, 50);
  for (const zone of ["a", "b", undefined]) {
    const count = told.filter(({ tracked }) => tracked.place?.zone === zone).length;
    assert.ok(count > 8 && count < 26, `${count} of zone ${zone}`);
  }
});

test("Swarm tells of those of whom it does not know where they are as of far ones", () => {
  const { swarm, put } = bench();
  put(undefined, { seeders: 1 });
  put(a, { leechers: 100 });
  const told = swarm.sample({ ...wish, place: a });
  assert.equal(told.filter(({ seeder }) => seeder).length, 1);
});

test("Swarm that hears of zones without end still knows everybody, and forgets zones of none", () => {
  const { swarm, put } = bench();
  for (let zone = 0; zone < 200; zone++) put({ zone: `z${zone}` }, { leechers: 1 });
  assert.equal(swarm.size, 200);
  assert.equal(swarm.sample({ ...wish, place: { zone: "z199" } }).length, 50);
  for (const { tracked } of [...swarm.expired(1e9)]) swarm.remove(tracked.key);
  assert.equal(swarm.size, 0);
  put({ zone: "late" }, { leechers: 20 });
  put({ zone: "other" }, { leechers: 20 });
  const told = swarm.sample({ ...wish, place: { zone: "late" } });
  assert.equal(told.filter(({ tracked }) => tracked.place?.zone === "other").length, 2);
});

test("Swarm still tells zones apart when hosts made up all that they could", () => {
  const { swarm, put, told } = bench();
  const table = new PeerTable();
  const hosts = ["10.99.0.1", ...Array.from({ length: 40 }, (_, index) => `fd00::${index + 1}`)];
  for (const [index, host] of hosts.entries()) {
    for (let port = 1; port <= 40; port++) {
      const key = peerKeyOf({ host, port }) ?? "";
      const place = { zone: `made-up-${index}-${port}` };
      const peer = { key, family: familyOfKey(key), peerId: key, place };
      swarm.put(table.heard(peer, 0), { seeder: false, nowMs: 0 });
    }
  }
  for (const place of [a, b, c]) put(place, { leechers: 100 });
  const { near, isInOrder } = told(a);
  assert.ok(near >= 40 && isInOrder, `${near} of the same zone`);
});

/** A peer that announces itself in some swarms of one tracker. */
function wanderer() {
  const table = new PeerTable();
  const key = peerKeyOf({ host: "10.99.0.1", port: 7000 }) ?? "";
  return (target: Swarm, place: Place | undefined) => {
    const tracked = table.heard({ key, family: 4, peerId: "wanderer", place }, 0);
    if (tracked.swarmCount === 0) table.join(tracked);
    target.put(tracked, { seeder: false, nowMs: 0 });
  };
}

test("Swarm moves a peer to the zone that it tells of later, and keeps it there when it tells of none", () => {
  const { swarm, put, told } = bench();
  const announce = wanderer();
  put(b, { leechers: 100 });
  announce(swarm, undefined);
  for (const place of [a, undefined]) {
    announce(swarm, place);
    assert.deepEqual(told(a), { near: 1, far: 8, isInOrder: true });
  }
  announce(swarm, c);
  assert.deepEqual(told(c), { near: 1, far: 8, isInOrder: true });
  // Nobody is left in the zone that it was in, which is forgotten.
  assert.equal(told(a).far, 50);
  assert.equal(swarm.size, 101);
});

test("Swarm moves a peer at its own next announce, whatever other swarms heard meanwhile", () => {
  const { swarm, put, told } = bench();
  const announce = wanderer();
  put(b, { leechers: 100 });
  announce(swarm, a);
  announce(new Swarm(seededRandom(1)), c);
  assert.equal(told(a).far, 9);
  announce(swarm, c);
  assert.equal(told(a).far, 50);
  assert.deepEqual(told(c), { near: 1, far: 8, isInOrder: true });
});

test("Swarm takes a peer into its zone by a later announce when there was no room for that before", () => {
  const { swarm, put, told } = bench();
  const announce = wanderer();
  put(undefined, { leechers: 100 });
  for (let zone = 0; zone < 40; zone++) put({ zone: `z${zone}` }, { leechers: 1 });
  announce(swarm, a);
  const countTold = () => swarm.sample({ ...wish, place: a }).length;
  assert.equal(countTold(), 50);
  for (const { tracked } of [...swarm.expired(1e9)]) {
    if (tracked.place?.zone?.startsWith("z")) swarm.remove(tracked.key);
  }
  announce(swarm, a);
  assert.equal(countTold(), 9);
  assert.equal(told(a).isInOrder, true);
});

test("Swarm in which a peer tells of another zone with each announce has one of it, and room for all others", () => {
  const { swarm, put, told } = bench();
  const announce = wanderer();
  for (const place of [a, b, c]) put(place, { leechers: 100 });
  for (let count = 0; count < 20_000; count++) announce(swarm, { zone: `z${count}` });
  assert.equal(swarm.size, 301);
  for (let zone = 0; zone < 28; zone++) put({ zone: `late-${zone}` }, { leechers: 1 });
  assert.equal(told({ zone: "late-27" }).near, 1);
  assert.deepEqual(told(a), { near: 48, far: 2, isInOrder: true });
});

test("Swarm counts seeders of all zones", () => {
  const { swarm, put } = bench();
  for (const place of [a, b, undefined]) put(place, { seeders: 2, leechers: 1 });
  assert.deepEqual([swarm.size, swarm.seederCount], [9, 6]);
  assert.deepEqual(
    swarm.sampleSeedersFirst(8).map(({ seeder }) => seeder),
    [true, true, true, true, true, true, false, false],
  );
});
