import assert from "node:assert/strict";
import { test } from "node:test";

import { StorageFullError } from "../core/errors.ts";
import { parseInfoHash } from "../core/info-hash.ts";
import { familyOfKey, peerKeyOf } from "./peer-key.ts";
import { SwarmTable } from "./swarm-table.ts";

const limits = { swarmsMax: 3, peersMax: 5, peersPerAddressMax: 2, peerTtlMs: 100_000 };

function infoHash(index: number) {
  return parseInfoHash(String(index).padStart(40, "0"));
}

function peer(host: string, port: number) {
  const key = peerKeyOf({ host, port }) ?? "";
  return { key, family: familyOfKey(key), peerId: "", seeder: false } as const;
}

test("SwarmTable refuses swarms, peers and addresses beyond their bounds", () => {
  const table = new SwarmTable(limits, Math.random);
  table.put(infoHash(1), peer("10.0.0.1", 1), 0);
  table.put(infoHash(2), peer("10.0.0.1", 1), 0);
  assert.throws(() => table.put(infoHash(1), peer("10.0.0.1", 2), 0), StorageFullError);
  table.put(infoHash(3), peer("10.0.0.2", 1), 0);
  assert.throws(() => table.put(infoHash(4), peer("10.0.0.2", 1), 0), StorageFullError);
  table.put(infoHash(1), peer("10.0.0.3", 1), 0);
  table.put(infoHash(1), peer("10.0.0.4", 1), 0);
  assert.throws(() => table.put(infoHash(1), peer("10.0.0.5", 1), 0), StorageFullError);
  assert.equal(table.peerCount, 5);
  assert.equal(table.swarmCount, 3);
});

test("SwarmTable that two hosts filled with swarms takes those of others", () => {
  const table = new SwarmTable(
    { ...limits, swarmsMax: 40, peersMax: 100, peersPerAddressMax: 20 },
    Math.random,
  );
  for (let index = 0; index < 40; index++) {
    table.put(infoHash(index), peer(index < 20 ? "10.0.0.1" : "10.0.0.2", 1), 0);
  }
  assert.throws(() => table.put(infoHash(50), peer("10.0.0.1", 1), 0), StorageFullError);
  for (let index = 100; index < 106; index++) table.put(infoHash(index), peer("10.0.0.3", 1), 0);
  assert.equal(table.swarmCount, 40);
  assert.equal(table.peerCount, 40);
  for (let index = 100; index < 106; index++) {
    assert.deepEqual(table.counts(infoHash(index)), { seeders: 0, leechers: 1 });
  }
});

test("SwarmTable takes no swarm for another of a host with hardly less, or of many peers", () => {
  const table = new SwarmTable(
    { ...limits, swarmsMax: 3, peersMax: 100, peersPerAddressMax: 20 },
    Math.random,
  );
  for (const index of [1, 2, 3]) table.put(infoHash(index), peer("10.0.0.1", 1), 0);
  table.put(infoHash(4), peer("10.0.0.2", 1), 0);
  assert.throws(() => table.put(infoHash(5), peer("10.0.0.2", 1), 0), StorageFullError);
  const left = [1, 2, 3].filter((index) => table.counts(infoHash(index)).leechers > 0);
  assert.equal(left.length, 2);
  for (const index of [...left, 4]) {
    for (let end = 3; end < 8; end++) table.put(infoHash(index), peer(`10.0.0.${end}`, 1), 0);
  }
  assert.throws(() => table.put(infoHash(5), peer("10.0.0.9", 1), 0), StorageFullError);
});

test("SwarmTable has a network of IPv6 that filled it with swarms leave half of them to others", () => {
  const table = new SwarmTable({ ...limits, swarmsMax: 8, peersMax: 100 }, Math.random);
  for (let index = 0; index < 8; index++) {
    table.put(infoHash(index), peer(`fd00:0:0:1::${index}`, 1), 0);
  }
  assert.throws(() => table.put(infoHash(9), peer("fd00:0:0:1::9", 1), 0), StorageFullError);
  for (let index = 10; index < 15; index++) {
    table.put(infoHash(index), peer(`10.0.0.${index}`, 1), 0);
  }
  assert.throws(() => table.put(infoHash(9), peer("10.0.0.9", 1), 0), StorageFullError);
  assert.throws(() => table.put(infoHash(9), peer("fd00:0:0:1::9", 1), 0), StorageFullError);
  assert.equal(table.swarmCount, 8);
});

test("SwarmTable lets known peers announce again when it is full", () => {
  const table = new SwarmTable({ ...limits, peersMax: 1 }, Math.random);
  table.put(infoHash(1), peer("10.0.0.1", 1), 0);
  table.put(infoHash(1), { ...peer("10.0.0.1", 1), seeder: true }, 0);
  assert.deepEqual(table.counts(infoHash(1)), { seeders: 1, leechers: 0 });
});

test("SwarmTable has room again after peers left or were not heard of", () => {
  const table = new SwarmTable(limits, Math.random);
  table.put(infoHash(1), peer("10.0.0.1", 1), 0);
  table.put(infoHash(2), peer("10.0.0.1", 1), 50_000);
  table.remove(infoHash(1), peer("10.0.0.9", 9).key);
  assert.equal(table.peerCount, 2);
  table.sweep(101_000);
  assert.deepEqual([...table.infoHashes()], [infoHash(2)]);
  table.remove(infoHash(2), peer("10.0.0.1", 1).key);
  assert.equal(table.peerCount, 0);
  assert.equal(table.swarmCount, 0);
  table.put(infoHash(3), peer("10.0.0.1", 1), 200_000);
  table.put(infoHash(3), peer("10.0.0.1", 2), 200_000);
  assert.deepEqual(table.addresses(infoHash(3), 50).length, 2);
});

test("SwarmTable leaves half of its room to others than one network of IPv6", () => {
  const table = new SwarmTable({ ...limits, peersMax: 6 }, Math.random);
  for (const end of [1, 2, 3]) table.put(infoHash(1), peer(`fd00:0:0:1::${end}`, 1), 0);
  assert.throws(() => table.put(infoHash(1), peer("fd00:0:0:1:ff::4", 1), 0), StorageFullError);
  table.put(infoHash(1), peer("fd00:0:0:2::1", 1), 0);
  table.put(infoHash(1), peer("10.0.0.1", 1), 0);
  table.remove(infoHash(1), peer("fd00:0:0:1::1", 1).key);
  table.put(infoHash(1), peer("fd00:0:0:1:ff::4", 1), 0);
  assert.equal(table.peerCount, 5);
});

test("SwarmTable knows a host by its IPv4 address, however a socket gave it", () => {
  const table = new SwarmTable(limits, Math.random);
  table.put(infoHash(1), peer("::ffff:10.0.0.1", 1), 0);
  table.put(infoHash(1), peer("10.0.0.1", 1), 0);
  assert.equal(table.peerCount, 1);
});

test("SwarmTable tells of nobody who promised heartbeats and is silent, in any swarm", () => {
  const table = new SwarmTable({ ...limits, peersMax: 20 }, Math.random);
  const [silent, beating, stock] = [peer("10.0.0.1", 1), peer("10.0.0.2", 1), peer("10.0.0.3", 1)];
  assert.equal(table.beat(silent, 0), undefined);
  for (const each of [silent, beating, stock]) {
    table.put(infoHash(1), each, 0);
    table.put(infoHash(2), each, 0);
  }
  const admission = table.beat(silent, 1000);
  table.beat(beating, 1000);
  table.beat(beating, 50_000);
  table.forgetSilent({ nowMs: 85_000, silenceMaxMs: 45_000 });
  const hosts = (index: number) => table.addresses(infoHash(index), 50).map(({ host }) => host);
  for (const index of [1, 2]) assert.deepEqual(hosts(index).sort(), ["10.0.0.2", "10.0.0.3"]);
  assert.equal(table.peerCount, 4);

  assert.equal(table.beat(silent, 60_000), undefined);
  table.put(infoHash(1), silent, 60_000);
  assert.notEqual(table.beat(silent, 60_000), admission);
  assert.ok(hosts(1).includes("10.0.0.1"));
  assert.ok(!hosts(2).includes("10.0.0.1"));
});

test("SwarmTable sweeps a part at a time, and all in the end", () => {
  const table = new SwarmTable({ ...limits, swarmsMax: 9, peersMax: 9 }, Math.random);
  for (const index of [1, 2, 3]) table.put(infoHash(index), peer(`10.0.0.${index}`, 1), 0);
  table.sweep(200_000, 3);
  assert.equal(table.swarmCount, 1);
  table.sweep(200_000, 3);
  assert.equal(table.swarmCount, 0);
});

test("SwarmTable has one peer at an address, whatever id it gives itself", () => {
  const table = new SwarmTable(limits, Math.random);
  table.put(infoHash(1), peer("10.0.0.1", 1), 0);
  table.put(infoHash(1), { ...peer("10.0.0.1", 1), peerId: "other" }, 0);
  assert.equal(table.peerCount, 1);
  assert.equal(table.beat(peer("10.0.0.1", 1), 0), undefined);
  assert.ok(table.beat({ ...peer("10.0.0.1", 1), peerId: "other" }, 0));
});

test("SwarmTable that is full takes who lacks pieces for one of many seeders of that swarm", () => {
  const table = new SwarmTable({ ...limits, peersMax: 52 }, Math.random);
  const seeder = (index: number) => ({ ...peer(`10.0.1.${index}`, 1), seeder: true });
  for (let index = 0; index < 52; index++) table.put(infoHash(1), seeder(index), 0);
  assert.throws(() => table.put(infoHash(1), seeder(52), 0), StorageFullError);
  table.put(infoHash(1), peer("10.0.2.1", 1), 0);
  table.put(infoHash(1), peer("10.0.2.2", 1), 0);
  assert.deepEqual(table.counts(infoHash(1)), { seeders: 50, leechers: 2 });
  assert.throws(() => table.put(infoHash(1), peer("10.0.2.3", 1), 0), StorageFullError);
});

test("SwarmTable admits a peer by another number than the table of a run before it", () => {
  const admissions = [1, 2].map(() => {
    const table = new SwarmTable(limits, Math.random);
    table.put(infoHash(1), peer("10.0.0.1", 1), 0);
    return table.beat(peer("10.0.0.1", 1), 0);
  });
  assert.notEqual(admissions[0], admissions[1]);
});

test("SwarmTable that is full lets no seeder give way to who has too many peers already", () => {
  const table = new SwarmTable({ ...limits, peersMax: 60 }, Math.random);
  for (const port of [1, 2]) table.put(infoHash(2), peer("10.0.2.1", port), 0);
  for (let index = 0; index < 58; index++) {
    table.put(infoHash(1), { ...peer(`10.0.1.${index}`, 1), seeder: true }, 0);
  }
  assert.throws(() => table.put(infoHash(1), peer("10.0.2.1", 3), 0), StorageFullError);
  assert.deepEqual(table.counts(infoHash(1)), { seeders: 58, leechers: 0 });
});

test("SwarmTable keeps who announces itself one by one instead of its heartbeats as it keeps stock clients", () => {
  const table = new SwarmTable({ ...limits, peersMax: 20 }, Math.random);
  const [alone, dead] = [peer("10.0.0.1", 1), peer("10.0.0.2", 1)];
  for (const each of [alone, dead]) {
    table.put(infoHash(1), each, 0);
    table.beat(each, 0);
  }
  table.put(infoHash(1), dead, 14_000);
  table.put(infoHash(1), alone, 40_000);
  for (const nowMs of [60_000, 86_000, 100_000])
    table.forgetSilent({ nowMs, silenceMaxMs: 45_000 });
  const told = table.addresses(infoHash(1), 50).map(({ host }) => host);
  assert.deepEqual(told, ["10.0.0.1"]);

  table.beat(alone, 110_000);
  table.forgetSilent({ nowMs: 160_000, silenceMaxMs: 45_000 });
  assert.deepEqual(table.addresses(infoHash(1), 50), []);
});
