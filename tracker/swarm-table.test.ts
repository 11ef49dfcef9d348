import assert from "node:assert/strict";
import { test } from "node:test";

import { StorageFullError } from "../core/errors.ts";
import { parseInfoHash } from "../core/info-hash.ts";
import { familyOfKey, peerKeyOf } from "./peer-key.ts";
import { SwarmTable } from "./swarm-table.ts";

const limits = { swarmsMax: 3, peersMax: 5, peersPerAddressMax: 2, peerTtlMs: 100 };

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

test("SwarmTable lets known peers announce again when it is full", () => {
  const table = new SwarmTable({ ...limits, peersMax: 1 }, Math.random);
  table.put(infoHash(1), peer("10.0.0.1", 1), 0);
  table.put(infoHash(1), { ...peer("10.0.0.1", 1), seeder: true }, 0);
  assert.deepEqual(table.counts(infoHash(1)), { seeders: 1, leechers: 0 });
});

test("SwarmTable has room again after peers left or were not heard of", () => {
  const table = new SwarmTable(limits, Math.random);
  table.put(infoHash(1), peer("10.0.0.1", 1), 0);
  table.put(infoHash(2), peer("10.0.0.1", 1), 50);
  table.remove(infoHash(1), peer("10.0.0.9", 9).key);
  assert.equal(table.peerCount, 2);
  table.sweep(101);
  assert.deepEqual([...table.infoHashes()], [infoHash(2)]);
  table.remove(infoHash(2), peer("10.0.0.1", 1).key);
  assert.equal(table.peerCount, 0);
  assert.equal(table.swarmCount, 0);
  table.put(infoHash(3), peer("10.0.0.1", 1), 200);
  table.put(infoHash(3), peer("10.0.0.1", 2), 200);
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
