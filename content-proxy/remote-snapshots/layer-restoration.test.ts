import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { LayerFormatError } from "../../core/errors.ts";
import type { SnapshotRecord } from "../../core/ports/snapshot-store.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { LayerNode, textImage } from "./layer-node.test-support.ts";
import { LayerRestoration } from "./layer-restoration.ts";
import { snapshotRefLabel } from "./remote-layer-labels.ts";

const image = textImage(["base", "top"]);
const [base, top] = image.layers;
assert.ok(base && top);

/** A node with both layers of the image unpacked, of which the store says that they may be lost. */
async function open(t: TestContext, limits: { stallMs?: number; totalMs?: number } = {}) {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  for (const { bytes } of image.layers) await node.write(bytes);
  await node.prepare(image.layers[0]);
  await node.prepare(image.layers[1], image.layers[0]?.chainId);
  const { snapshots, unpacker, store, arrivals, recent, index, logger } = node;
  const released: string[] = [];
  const lost: SnapshotRecord[] = [...snapshots.records()].reverse();
  const restoration = cleanUpOf(t).use(
    new LayerRestoration({
      snapshots: {
        find: (name) => snapshots.find(name),
        createDraft: () => snapshots.createDraft(),
        layerPaths: (name) => snapshots.layerPaths(name),
        unsyncedAfterCrash: () => lost,
        releaseUnsynced: async (name) => void released.push(name),
      },
      ...{ unpacker, index, logger, bytes: { store, arrivals, recent }, pauseMs: () => 0 },
      ...limits,
    }),
  );
  unpacker.begun.length = 0;
  return { node, restoration, lost, released };
}

test("layers that may be lost are unpacked anew, the lower ones first, under their names", async (t) => {
  const { node, restoration } = await open(t);
  const before = node.snapshots.layerPaths(top.chainId);
  restoration.start();
  await restoration.settled(top.chainId, t);
  assert.deepEqual(node.unpacker.begun, [base.diffId, top.diffId]);
  assert.deepEqual(await node.contentOf(top.chainId), { content: "top", parents: "1" });
  const after = node.snapshots.layerPaths(top.chainId);
  assert.equal(after.filter((path) => before.includes(path)).length, 0);
  assert.equal(node.snapshots.find(top.chainId)?.parent, base.chainId);
  assert.deepEqual(await node.drafts(), []);
});

test("who needs a layer waits for it and for those below, and nobody else waits", async (t) => {
  const { node, restoration } = await open(t);
  const gate = Promise.withResolvers<undefined>();
  node.unpacker.before = async ({ diffId }) => (diffId === base.diffId ? gate.promise : undefined);
  restoration.start();
  let isSettled = false;
  const settled = restoration.settled(top.chainId, t).then(() => (isSettled = true));
  await restoration.settled("another", t);
  assert.equal(isSettled, false);
  gate.resolve(undefined);
  await settled;
  await restoration.settled(base.chainId, t);
});

test("a layer that containerd unpacked is restored if its image is known", async (t) => {
  const { node, restoration, lost, released } = await open(t);
  await node.snapshots.label(base.chainId, { [snapshotRefLabel]: base.chainId });
  const record = node.snapshots.find(base.chainId);
  assert.ok(record);
  lost.splice(0, lost.length, record, { ...record, name: "committed by hand", labels: {} });
  t.mock.method(node.snapshots, "layerPaths", () => [""]);
  restoration.start();
  await restoration.settled("committed by hand", t);
  assert.deepEqual(node.unpacker.begun, [base.diffId]);
  assert.ok(node.logger.lines.some(({ message }) => message.includes("may have lost files")));
  assert.deepEqual(released, ["committed by hand"]);
});

test("what cannot be unpacked now is tried again, and given up in the end", async (t) => {
  const { node, restoration, released } = await open(t);
  node.unpacker.before = async ({ diffId }) => {
    if (diffId === base.diffId) throw new LayerFormatError("Cannot unpack layer");
  };
  restoration.start();
  await restoration.settled(base.chainId, t);
  assert.equal(node.unpacker.begun.filter((digest) => digest === base.diffId).length, 15);
  assert.equal(node.unpacker.begun.filter((digest) => digest === top.diffId).length, 1);
  assert.deepEqual(released, [base.chainId]);
  const errors = node.logger.lines.filter(({ level }) => level === "error");
  assert.deepEqual(
    errors.map(({ fields }) => [fields["snapshot"], fields["chainId"]]),
    [[base.chainId, base.chainId]],
  );
});

/** Waits for what never comes. */
async function stuck(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });
}

test("a layer that gets nowhere does not keep the others from being restored", async (t) => {
  // Time for the good one to begin on a busy machine.
  const { node, restoration, released } = await open(t, { stallMs: 50 });
  node.unpacker.before = async ({ diffId, onProgress }, signal) => {
    if (diffId === base.diffId) await stuck(signal);
    onProgress?.({ bytesRead: 0, bytesWritten: 0, entries: 0 });
  };
  restoration.start();
  await restoration.settled(top.chainId, t);
  assert.ok(released.includes(base.chainId));
  assert.ok(node.unpacker.begun.includes(top.diffId));
  assert.deepEqual(await node.drafts(), []);
});

test("nobody waits for longer than the restoration may take", async (t) => {
  const { node, restoration, released } = await open(t, { totalMs: 1 });
  node.unpacker.before = async (_order, signal) => stuck(signal);
  restoration.start();
  await restoration.settled(top.chainId, t);
  assert.deepEqual(released, [base.chainId, top.chainId]);
  assert.deepEqual(await node.drafts(), []);
});

test("the end of the program ends the restoration", async (t) => {
  const { node, restoration, released } = await open(t);
  node.unpacker.before = async (_order, signal) => stuck(signal);
  restoration.start();
  while (node.unpacker.begun.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await restoration[Symbol.asyncDispose]();
  assert.deepEqual(await node.drafts(), []);
  assert.deepEqual(released, []);
});
