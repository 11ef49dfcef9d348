import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { test } from "node:test";

import { blobFixture } from "../testing/blob-fixture.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";

/** Sockets of this process, in which all nodes are. */
function socketCount(): number {
  return readdirSync("/proc/self/fd").filter(isSocket).length;
}

function isSocket(name: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${name}`).startsWith("socket:");
  } catch {
    return false;
  }
}

test("a node has no connection for what it seeds: they end with the downloads", async (t) => {
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const [giver, taker] = [await bench.node(), await bench.node()];
  const before = socketCount();
  const blobs = Array.from({ length: 300 }, (_, index) => blobFixture(1000, `${index}`));
  const downloads = [];
  for (const blob of blobs) {
    bench.seed(giver, await bench.seeded(blob));
    downloads.push(bench.download(taker, await bench.wanted(blob)));
  }
  for (const [index, blob] of blobs.entries()) {
    await downloads[index]?.whole();
    bench.seed(taker, await bench.seeded(blob));
  }
  // The other side hears of a hang-up when its thread comes to it.
  while (socketCount() > before) await setImmediate(undefined, { signal: t.signal });
  assert.equal(taker.status().length, blobs.length);
});

test("many downloads at once open no more connections to a node than it takes", async (t) => {
  const logger = new MemoryLogger();
  const settings = { connectionsPerHostMax: 32 };
  const bench = await SwarmBench.create(openTestSwarm(settings, logger), t);
  const giver = await bench.node();
  const taking = await SwarmBench.create(openTestSwarm({ connectionsPerHostMax: 8 }), t);
  const taker = await taking.node();
  const peers = [{ host: "127.0.0.1", port: giver.port }];
  const blobs = Array.from({ length: 100 }, (_, index) => blobFixture(200_000, `${index}`));
  for (const blob of blobs) bench.seed(giver, await bench.seeded(blob));
  const wanted = await Promise.all(blobs.map((blob) => taking.wanted(blob, { peers })));
  const downloads = wanted.map((blob) => taking.download(taker, blob));
  await Promise.all(downloads.map((download) => download.whole()));
  const messages = logger.lines.map(({ message }) => message);
  assert.equal(messages.includes("a host has too many connections"), false);
});
