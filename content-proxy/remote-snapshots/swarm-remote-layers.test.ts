import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { LayerNode, textImage } from "./layer-node.test-support.ts";
import { layerOfLabels, snapshotRefLabel } from "./remote-layer-labels.ts";

const image = textImage(["base layer", "middle layer", "top layer"]);
const [base, middle, top] = image.layers;
assert.ok(base && middle && top);

/** Waits until the signal says that nobody wants it any more. */
async function forever(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
  signal.throwIfAborted();
}

test("all layers of an image are unpacked at the first question, from the swarm", async (t) => {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  for (const { bytes } of image.layers) node.offer(bytes);
  node.giveAll();
  assert.equal(await node.prepare(base), true);
  for (const { chainId } of [middle, top]) await node.jobs.find(chainId)?.finished();
  const digests = image.layers.map(({ descriptor }) => descriptor.digest);
  assert.deepEqual(node.unpacker.begun.sort(), digests.sort());
  assert.deepEqual(node.unpacker.lowest, [base.descriptor.digest]);

  // containerd removes what it has not asked for.
  assert.deepEqual([...node.snapshots.records()].length, 1);
  assert.equal(await node.prepare(middle, base.chainId), true);
  assert.equal(await node.prepare(top, middle.chainId), true);
  assert.equal(node.unpacker.begun.length, 3);
  const record = node.snapshots.find(top.chainId);
  assert.deepEqual([record?.kind, record?.parent], ["committed", middle.chainId]);
  assert.equal(record?.labels[snapshotRefLabel], top.chainId);
  const { chainId, diffId, descriptor } = top;
  assert.deepEqual(layerOfLabels(record.labels), { chainId, diffId, descriptor });
  assert.deepEqual(await node.contentOf(top.chainId), { content: "top layer", parents: "2" });
  assert.deepEqual(await node.drafts(), []);
});

test("the blobs that were unpacked end in the store, offered as any that was pulled", async (t) => {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  for (const { bytes } of image.layers) node.offer(bytes);
  node.giveAll();
  assert.equal(await node.prepare(base), true);
  await node.arrivals.find(base.descriptor.digest)?.settled();
  const record = node.store.find(base.descriptor.digest);
  assert.deepEqual([record?.whole, record?.owned, record?.provenance], [true, false, "pull"]);
  assert.equal(node.recent.has(base.descriptor.digest), true);
  assert.deepEqual(node.provided, [{ digest: base.descriptor.digest, namespace: "default" }]);
});

test("only the last answer of a pull waits for containerd to know of its layers", async (t) => {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  for (const { bytes } of image.layers) await node.write(bytes);
  const known = Promise.withResolvers<undefined>();
  const waits: string[] = [];
  node.registered = async () => {
    waits.push("for all");
    await known.promise;
  };
  assert.equal(await node.prepare(base), true);
  assert.equal(await node.prepare(middle, base.chainId), true);
  assert.deepEqual(waits, []);
  const last = node.prepare(top, middle.chainId);
  while (waits.length < 1) await setImmediate();
  known.resolve(undefined);
  assert.equal(await last, true);
  node.registered = async () => Promise.reject(new Error("It takes too long"));
  assert.equal(await node.prepare(top, middle.chainId), true);
});

test("a layer is unpacked while its bytes arrive", async (t) => {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  node.offer(base.bytes);
  const started = new Promise<(typeof node.swarm.downloads)[number]>((resolve) => {
    node.swarm.onDownload = resolve;
  });
  const provided = node.prepare(base);
  const download = await started;
  download.advance(4);
  const job = node.jobs.find(base.chainId);
  assert.ok(job);
  while (job.activity < 8) await setImmediate();
  assert.deepEqual([job.report().state, job.report().bytes], ["arriving", 4]);
  await node.fill(download);
  assert.equal(await provided, true);
});

test("the log tells when a layer begins to be unpacked, and when it is, at what rate", async (t) => {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  await node.write(base.bytes);
  const held = Promise.withResolvers<undefined>();
  node.unpacker.before = async () => held.promise;
  const provided = node.prepare(base);
  while (node.unpacker.begun.length < 1) await setImmediate();
  const { digest } = base.descriptor;
  const bytes = base.bytes.length;
  const told = () =>
    node.logger.lines.filter(
      ({ message, fields }) => /unpack/.test(message) && fields["digest"] === digest,
    );
  const fields = { digest, bytes, bytesHere: bytes };
  assert.deepEqual(told(), [{ level: "info", message: "unpacking a layer", fields }]);

  held.resolve(undefined);
  assert.equal(await provided, true);
  const [, end] = told();
  assert.deepEqual([end?.message, told().length], ["unpacked a layer", 2]);
  assert.ok(Number(end?.fields["bytesPerSecond"]) > 0);
});

test("layers whose blobs are in the store need no swarm", async (t) => {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  for (const { bytes } of image.layers) await node.write(bytes);
  assert.equal(await node.prepare(base), true);
  assert.equal(await node.prepare(middle, base.chainId), true);
  assert.equal(node.swarm.downloads.length, 0);
});

test("an image that is here does not wait for one whose many layers trickle in", async (t) => {
  const node = await LayerNode.open(t);
  const slow = textImage(Array.from({ length: 12 }, (_, index) => `slow layer ${index}`));
  await node.pullManifest(slow);
  for (const { bytes } of slow.layers) node.offer(bytes);
  const waiting = new AbortController();
  const provided = node.prepare(slow.layers[0], undefined, waiting);
  while (node.swarm.downloads.length < 8) await setImmediate();
  await node.pullManifest(image);
  for (const { bytes } of image.layers) await node.write(bytes);
  assert.equal(await node.prepare(base), true);
  waiting.abort();
  await assert.rejects(provided);
});

test("what containerd waits for, and what has come meanwhile, does not wait for layers that trickle in", async (t) => {
  const node = await LayerNode.open(t);
  const slow = textImage(Array.from({ length: 12 }, (_, index) => `slow layer ${index}`));
  await node.pullManifest(slow);
  for (const { bytes } of slow.layers) node.offer(bytes);
  const waiting = new AbortController();
  const provided = node.prepare(slow.layers[0], undefined, waiting);
  while (node.swarm.downloads.length < 8) await setImmediate();

  await node.pullManifest(image);
  node.offer(base.bytes);
  const prepared = node.prepare(base);
  while (node.swarm.downloads.length < 9) await setImmediate();
  for (const { bytes } of [middle, top]) await node.write(bytes);
  const jobsAbove = [middle, top].map(({ chainId }) => node.jobs.find(chainId));
  const [download] = node.swarm.downloads.slice(8);
  assert.ok(download);
  await node.fill(download);
  assert.equal(await prepared, true);
  for (const job of jobsAbove) await job?.finished();
  assert.equal(node.swarm.downloads.length, 9, "the others of the slow image wait");
  waiting.abort();
  await assert.rejects(provided);
});

test("containerd does by itself what nobody can tell or give", async (t) => {
  const node = await LayerNode.open(t);
  assert.equal(await node.prepare(base), false);
  await node.pullManifest(image);
  assert.equal(await node.prepare(base), false);
  node.offer(base.bytes);
  assert.equal(await node.prepare(base), false, "it was not to be had a moment ago");
  assert.deepEqual(node.jobs.report(), []);
  await node.write(base.bytes);
  assert.equal(await node.prepare(base), true, "containerd fetched it");
  assert.deepEqual([...node.snapshots.records()].length, 1);
  assert.deepEqual(await node.drafts(), []);
});

test("a layer on a parent that cannot be its own is containerd's, and nothing is left of it", async (t) => {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  for (const { bytes } of image.layers) await node.write(bytes);
  assert.equal(await node.prepare(middle), false, "only the lowest layer has no parent");
  assert.equal(await node.prepare(base, "a parent"), false, "the lowest layer has none");
  assert.deepEqual(node.unpacker.begun, []);
  assert.equal(await node.prepare(middle, "nobody"), false, "there is no such parent");
  assert.deepEqual([...node.snapshots.records()], []);
  for (const { chainId } of image.layers) await node.jobs.find(chainId)?.finished();
  await node.jobs[Symbol.asyncDispose]();
  assert.deepEqual(await node.drafts(), []);
});

test("layers of forms that we do not know are containerd's", async (t) => {
  const node = await LayerNode.open(t);
  const encrypted = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";
  const odd = textImage(["secret"], { mediaType: encrypted });
  await node.pullManifest(odd);
  for (const { bytes } of odd.layers) await node.write(bytes);
  assert.equal(await node.prepare(odd.layers[0]), false);
  assert.deepEqual(node.unpacker.begun, []);
});

test("a layer that cannot be unpacked is left to containerd, and not tried again at once", async (t) => {
  const node = await LayerNode.open(t);
  const broken = textImage(["broken tar", "fine"]);
  await node.pullManifest(broken);
  for (const { bytes } of broken.layers) await node.write(bytes);
  assert.equal(await node.prepare(broken.layers[0]), false);
  assert.equal(await node.prepare(broken.layers[0]), false);
  const digest = broken.layers[0]?.descriptor.digest;
  assert.equal(node.unpacker.begun.filter((each) => each === digest).length, 1);
  assert.ok(
    node.logger.lines.some(({ level, fields }) => level === "warn" && fields["digest"] === digest),
  );
  assert.equal(node.jobs.report().find((report) => report.digest === digest)?.state, "failed");
});

test("two namespaces that want an image at once have each layer unpacked once", async (t) => {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  for (const { bytes } of image.layers) await node.write(bytes);
  const gate = Promise.withResolvers<undefined>();
  node.unpacker.before = async () => gate.promise;
  const both = ["one", "two"].map((namespace) => node.prepare(base, undefined, { namespace }));
  gate.resolve(undefined);
  assert.deepEqual(await Promise.all(both), [true, true]);
  assert.equal(node.unpacker.begun.filter((each) => each === base.diffId).length, 1);
  assert.deepEqual(node.provided.map(({ namespace }) => namespace).sort(), ["one", "two"]);
  const names = [...node.snapshots.records()].map(({ name }) => name);
  assert.deepEqual(names, [base.chainId]);
});

test("a layer on another parent, which a namespace has made itself, gets another name", async (t) => {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  for (const { bytes } of image.layers) await node.write(bytes);
  assert.equal(await node.prepare(base), true);
  assert.equal(await node.prepare(middle, base.chainId), true);
  await node.snapshots.prepare("other/1/extract", { labels: {} });
  await node.snapshots.commit("other/2/base", { key: "other/1/extract", labels: {} });
  assert.equal(await node.prepare(middle, "other/2/base"), true);
  const found = [...node.snapshots.records()].filter(
    ({ labels }) => labels[snapshotRefLabel] === middle.chainId,
  );
  assert.deepEqual(
    found.map(({ name, parent }) => [name, parent]),
    [
      [middle.chainId, base.chainId],
      [`${middle.chainId}-2`, "other/2/base"],
    ],
  );
  assert.equal(await node.prepare(middle, "other/2/base"), true);
});

test("a snapshot that is there is not enough when its blob is not to be had", async (t) => {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  await node.write(base.bytes);
  assert.equal(await node.prepare(base), true);
  await node.store.disown(base.descriptor.digest);
  assert.equal(await node.prepare(base, undefined, { namespace: "second" }), true);
  await node.store.evict(base.descriptor.digest);
  assert.equal(await node.prepare(base, undefined, { namespace: "third" }), false);
});

test("a snapshot that may have lost files is unpacked again before containerd builds on it", async (t) => {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  for (const { bytes } of image.layers) await node.write(bytes);
  assert.equal(await node.prepare(base), true);
  const before = node.snapshots.layerPaths(base.chainId);
  let isDamaged = true;
  t.mock.method(node.snapshots, "isReplaceable", () => isDamaged);
  node.unpacker.begun.length = 0;
  assert.equal(await node.prepare(base), true);
  assert.equal(node.unpacker.begun[0], base.diffId);
  assert.notDeepEqual(node.snapshots.layerPaths(base.chainId), before);
  assert.deepEqual(await node.contentOf(base.chainId), { content: "base layer", parents: "0" });
  isDamaged = false;
  const begun = node.unpacker.begun.length;
  assert.equal(await node.prepare(base), true);
  assert.equal(node.unpacker.begun.length, begun);
});

test("a layer that gets nowhere is given up, and its bytes are let go of", async (t) => {
  const node = await LayerNode.open(t, { prepareTimeoutMs: 1 });
  await node.pullManifest(image);
  await node.write(base.bytes);
  node.unpacker.before = async (_order, signal) => forever(signal);
  assert.equal(await node.prepare(base), false);
  await node.jobs[Symbol.asyncDispose]();
  assert.deepEqual(await node.drafts(), []);
});

test("a question that is taken back leaves the layers for the next one", async (t) => {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  for (const { bytes } of image.layers) await node.write(bytes);
  const [begun, gate] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  node.unpacker.before = async () => {
    begun.resolve(undefined);
    await gate.promise;
  };
  const leaving = new AbortController();
  const left = node.prepare(base, undefined, { signal: leaving.signal });
  await begun.promise;
  leaving.abort(new Error("containerd went away"));
  await assert.rejects(left, /went away/);
  gate.resolve(undefined);
  assert.equal(await node.prepare(base), true);
  assert.equal(node.unpacker.begun.filter((each) => each === base.diffId).length, 1);
});

test("layers that nobody wants any more are stopped and deleted after a while", async (t) => {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  for (const { bytes } of image.layers) await node.write(bytes);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  assert.equal(await node.prepare(base), true);
  const job = node.jobs.find(top.chainId);
  await job?.finished();
  assert.equal((await node.drafts()).length > 0, true);
  t.mock.timers.tick(60_000);
  assert.equal(node.jobs.find(top.chainId), undefined);
  await node.jobs[Symbol.asyncDispose]();
  assert.deepEqual(await node.drafts(), []);
  t.mock.timers.reset();
});

test("the end of the program leaves no half of a layer behind", async (t) => {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  for (const { bytes } of image.layers) await node.write(bytes);
  node.unpacker.before = async ({ diffId }, signal) => {
    if (diffId === top.diffId) await forever(signal);
  };
  assert.equal(await node.prepare(base), true);
  const question = node.prepare(top, base.chainId);
  await node.jobs[Symbol.asyncDispose]();
  assert.equal(await question, false);
  assert.deepEqual(await node.drafts(), []);
  assert.equal(await node.prepare(middle, base.chainId), false);
});
