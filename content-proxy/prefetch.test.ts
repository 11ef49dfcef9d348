import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { type Digest, digestOf } from "../core/digest.ts";
import type { ScriptedDownload } from "../core/testing/scripted-swarm.ts";
import { Node } from "./fetcher-node.test-support.ts";

/** Of the prefetch of a {@link Node}. */
const downloadsMax = 8;

/** A node that saw a manifest of this many layers, all of which the swarm has. */
async function nodeThatSaw(t: TestContext, layerCount: number) {
  const node = await Node.open(t);
  const layers = Array.from({ length: layerCount }, (_, index) => {
    const bytes = Buffer.from(`layer ${index}`);
    return { mediaType: "layer", digest: node.offer(bytes), size: bytes.length };
  });
  const configBytes = Buffer.from("{}");
  const config = { mediaType: "config", digest: node.offer(configBytes), size: 2 };
  const bytes = Buffer.from(JSON.stringify({ config, layers }));
  node.prefetch.manifestGiven({ digest: digestOf(bytes), bytes }, { authorization: undefined });
  return { node, named: [config, ...layers].map(({ digest }) => digest) };
}

const digestsOf = (downloads: readonly ScriptedDownload[]): Digest[] =>
  downloads.map(({ wanted }) => wanted.torrent.digest);

test("all that a manifest names is looked up, each once, and a few are fetched", async (t) => {
  const { node, named } = await nodeThatSaw(t, 20);
  await eventually(() => node.lookedUp.length >= named.length);
  await eventually(() => node.swarm.downloads.length >= downloadsMax);
  assert.deepEqual(node.lookedUp.toSorted(), named.toSorted());
  assert.deepEqual(digestsOf(node.swarm.downloads).toSorted(), named.slice(0, 8).toSorted());
});

test("a download that ends starts the next, in the order of the manifest", async (t) => {
  const { node, named } = await nodeThatSaw(t, 20);
  for (let ended = 0; ended < named.length; ended++) {
    const startedCount = Math.min(named.length, ended + downloadsMax);
    await eventually(() => node.swarm.downloads.length >= startedCount);
    assert.equal(node.swarm.downloads.length, startedCount);
    const download = node.swarm.downloads[ended];
    assert.ok(download);
    if (ended % 2 === 0) await node.fill(download);
    else download.fail(new Error("no peer has it any more"));
  }
  await eventually(() => node.arrivals.count === 0);
  assert.deepEqual(digestsOf(node.swarm.downloads).toSorted(), named.toSorted());
  const tail = named.slice(downloadsMax);
  assert.deepEqual(digestsOf(node.swarm.downloads.slice(downloadsMax)), tail);
  assert.equal(node.lookedUp.length, named.length, "what was known is not asked again");
});

test("what is asked for while it waits is fetched at once, and once", async (t) => {
  const { node, named } = await nodeThatSaw(t, 20);
  await eventually(() => node.lookedUp.length >= named.length);
  await eventually(() => node.swarm.downloads.length >= downloadsMax);
  const last = named.at(-1);
  assert.ok(last);
  const size = node.blobs.get(last)?.length ?? 0;
  node.arrivals.start({ digest: last, size, promised: false });
  await eventually(() => node.swarm.downloads.length > downloadsMax);
  assert.deepEqual(digestsOf(node.swarm.downloads.slice(downloadsMax)), [last]);
  for (let ended = 0; ended < named.length; ended++) {
    await eventually(() => node.swarm.downloads.length > ended);
    const download = node.swarm.downloads[ended];
    assert.ok(download);
    await node.fill(download);
  }
  await eventually(() => node.arrivals.count === 0);
  assert.equal(node.swarm.downloads.length, named.length);
  assert.equal(node.lookedUp.length, named.length);
});

test("what nobody asks for is not fetched for longer than a while", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { node, named } = await nodeThatSaw(t, 20);
  await eventually(() => node.lookedUp.length >= named.length);
  await eventually(() => node.swarm.downloads.length >= downloadsMax);
  t.mock.timers.tick(60_000);
  await eventually(() => node.arrivals.count === 0);
  assert.equal(node.swarm.downloads.length, downloadsMax);
});

test("Prefetch that is disposed of starts nothing more", async (t) => {
  const { node } = await nodeThatSaw(t, 20);
  await eventually(() => node.swarm.downloads.length >= downloadsMax);
  await node.prefetch[Symbol.asyncDispose]();
  for (const download of node.swarm.downloads) download.fail(new Error("no peer has it any more"));
  await eventually(() => node.arrivals.count === 0);
  assert.equal(node.swarm.downloads.length, downloadsMax);
});

/** Waits for something that happens by itself, as soon as disk and sockets let it. */
async function eventually(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!isSo()) {
    assert.ok(performance.now() < endMs, "it did not happen");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
