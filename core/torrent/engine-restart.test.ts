import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import type { Worker } from "node:worker_threads";

import { UnavailableError } from "../errors.ts";
import type { Swarm } from "../ports/swarm.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { GrowingFixture } from "./growing-blob.test-support.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";

const blob = blobFixture(1024 * 1024 + 7);

/** A node and the thread of its engine. */
async function nodeWithThread(bench: SwarmBench): Promise<{ node: Swarm; thread: Worker }> {
  const [[thread], node] = (await Promise.all([once(process, "worker"), bench.node()])) as [
    [Worker],
    Swarm,
  ];
  return { node, thread };
}

/** Resolves when the next engine that starts listens. */
async function nextEngine(t: TestContext): Promise<void> {
  const [thread] = (await once(process, "worker", { signal: t.signal })) as [Worker];
  await once(thread, "message", { signal: t.signal });
}

test("an engine that dies is started again on its port, and seeds what it seeded", async (t) => {
  const logger = new MemoryLogger();
  const bench = await SwarmBench.create(openTestSwarm({}, logger), t);
  const { node, thread } = await nodeWithThread(bench);
  bench.seed(node, await bench.seeded(blob));
  const { port } = node;
  const restarted = nextEngine(t);
  await thread.terminate();
  await restarted;
  assert.equal(node.port, port);
  const wanted = await bench.wanted(blob, { peers: [{ host: "127.0.0.1", port }] });
  await bench.download(await bench.node(), wanted).whole();
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
  const errors = logger.lines.filter(({ level }) => level === "error");
  assert.deepEqual(
    errors.map(({ message }) => message),
    ["swarm engine has died"],
  );
});

test("an engine that is started again offers what is still growing", async (t) => {
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const started = once(process, "worker");
  const growing = await GrowingFixture.create(bench, blob, t);
  const [thread] = (await started) as [Worker];
  await growing.grow(2);
  const restarted = nextEngine(t);
  await thread.terminate();
  await restarted;
  await growing.grow();
  const path = await growing.target(bench, "target");
  const peers = [{ host: "127.0.0.1", port: growing.seeder.port }];
  const wanted = { torrent: growing.torrent, path, peers, webSeeds: [] };
  await bench.download(await bench.node(), wanted).whole();
  assert.deepEqual(await readFile(path), blob.bytes);
});

test("downloads of an engine that dies fail, and can be started again", async (t) => {
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const { node, thread } = await nodeWithThread(bench);
  const wanted = await bench.wanted(blob);
  const download = node.download(wanted);
  const ready = download.ready({ start: 0, end: 1 }, t);
  const restarted = nextEngine(t);
  await Promise.all([
    thread.terminate(),
    assert.rejects(download.whole(), UnavailableError),
    assert.rejects(ready, UnavailableError),
  ]);
  // Between two engines there is none.
  const early = node.download(wanted);
  await assert.rejects(early.whole(), UnavailableError);
  await early[Symbol.asyncDispose]();
  await restarted;
  await download[Symbol.asyncDispose]();
  bench.seed(await bench.node(), await bench.seeded(blob));
  await bench.download(node, wanted).whole();
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
});

test("an engine that dies again is not started again while its node is disposed of", async (t) => {
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const { node, thread } = await nodeWithThread(bench);
  const [[second]] = (await Promise.all([once(process, "worker"), thread.terminate()])) as [
    [Worker],
    number,
  ];
  await once(second, "message");
  await second.terminate();
  await node[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
});
