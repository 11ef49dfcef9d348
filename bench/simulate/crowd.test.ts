import assert from "node:assert/strict";
import { test } from "node:test";

import { type CrowdOutcome, simulateCrowd } from "./crowd.ts";
import type { Scenario } from "./scenario.ts";

const size = 32e6;

const small: Scenario = {
  ...{ hostCount: 12, blobSizes: [size], bytesPerSecond: 10e6, seederCount: 1, trackerCount: 1 },
  ...{ latencyMs: 0.5, seed: 1 },
};

const idealMs = (size / small.bytesPerSecond) * 1000;

function latestOf({ doneMs }: CrowdOutcome): number {
  return Math.max(...doneMs);
}

test("one host takes a blob's size by its link's rate from one seeder", () => {
  const outcome = simulateCrowd({ ...small, hostCount: 1 });
  assert.equal(outcome.doneMs.length, 1);
  assert.ok(latestOf(outcome) >= idealMs, `${latestOf(outcome)} ms`);
  assert.ok(latestOf(outcome) < idealMs * 1.02, `${latestOf(outcome)} ms`);
  assert.deepEqual(outcome.seederBytes, [size]);
});

test("no host of a crowd is faster than its link, and all come to their end", () => {
  const { doneMs } = simulateCrowd(small);
  assert.equal(doneMs.length, 12);
  assert.ok(Math.min(...doneMs) >= idealMs, `${Math.min(...doneMs)} ms`);
});

test("a crowd on equal links is hardly slower than one host, and takes little more than a copy", () => {
  const outcome = simulateCrowd(small);
  assert.ok(latestOf(outcome) < idealMs * 1.15, `${latestOf(outcome)} ms`);
  assert.ok((outcome.seederBytes[0] ?? 0) < size * 1.5, `${outcome.seederBytes[0]} bytes`);
});

test("what seeders and hosts send is what hosts receive, each blob once and little in vain", () => {
  const { seederBytes, hostBytes, receivedBytes } = simulateCrowd({
    ...small,
    blobSizes: [size / 2, size / 4],
    seederCount: 2,
  });
  const sent = seederBytes.reduce((sum, bytes) => sum + bytes, hostBytes);
  const needed = 12 * 0.75 * size;
  assert.ok(receivedBytes >= needed && receivedBytes < needed * 1.05, `${receivedBytes} bytes`);
  // What is on its way when the last host is done has left and has not come.
  assert.ok(sent >= receivedBytes && sent < receivedBytes * 1.01, `${sent} bytes`);
});

test("the same scenario has the same outcome, and another seed another one", () => {
  const scenario = { ...small, churnPart: 0.2 };
  assert.deepEqual(simulateCrowd(scenario), simulateCrowd(scenario));
  const other = simulateCrowd({ ...scenario, seed: 2 });
  assert.notDeepEqual(other.doneMs, simulateCrowd(scenario).doneMs);
});

test("a seeder's link bounds a crowd that nobody else could help", () => {
  const slowSeeder = simulateCrowd({ ...small, coldBytesPerSecond: 2e6 });
  assert.ok(latestOf(slowSeeder) >= (size / 2e6) * 1000, `${latestOf(slowSeeder)} ms`);
  assert.ok(latestOf(slowSeeder) < (size / 2e6) * 1100, `${latestOf(slowSeeder)} ms`);
  assert.ok((slowSeeder.seederBytes[0] ?? 0) < size * 1.2, `${slowSeeder.seederBytes[0]} bytes`);
});

test("hosts that vanish do not keep the others from their end", () => {
  const outcome = simulateCrowd({ ...small, churnPart: 0.25 });
  assert.equal(outcome.doneMs.length, outcome.countedHosts);
  assert.ok(outcome.countedHosts >= 9);
});

test("slow hosts do not count, and slow the others little", () => {
  const outcome = simulateCrowd({ ...small, slow: { part: 0.1, factor: 10 } });
  assert.equal(outcome.doneMs.length, 11);
  assert.ok(latestOf(outcome) < idealMs * 1.3, `${latestOf(outcome)} ms`);
});

test("what crosses the border of a zone is counted, and bound by it", () => {
  const zones = { count: 2, latencyMs: 2, borderBytesPerSecond: 1e6 };
  const outcome = simulateCrowd({ ...small, zones });
  const crossed = Math.max(...outcome.borderBytes);
  assert.ok(crossed >= size, `${crossed} bytes`);
  assert.ok(latestOf(outcome) >= crossed / 1e3 - 1000, `${latestOf(outcome)} ms`);
});

test("of many hosts behind one seeder none starves, and each piece leaves the seeder about once", () => {
  const outcome = simulateCrowd({ ...small, hostCount: 40 });
  assert.ok(latestOf(outcome) < idealMs * 1.5, `${latestOf(outcome)} ms`);
  assert.ok((outcome.seederBytes[0] ?? 0) < size * 1.3, `${outcome.seederBytes[0]} bytes`);
});

test("readers have their first piece from each other, not one after the other from the seeder", () => {
  const outcome = simulateCrowd({ ...small, hasReaders: true });
  const pieceMs = (256 * 1024) / (small.bytesPerSecond / 1000);
  const first = outcome.readings.map(({ firstPieceMs }) => firstPieceMs);
  assert.equal(first.length, 12);
  assert.ok(Math.max(...first) < 9 * pieceMs, `${Math.max(...first)} ms`);
});
