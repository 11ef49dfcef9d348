import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";

import { SmallDisk, asRoot } from "../core/testing/small-disk.ts";
import { Node, metainfoOf } from "./fetcher-node.test-support.ts";

test(
  "what containerd deletes on a full disk is gone, and not offered any more",
  asRoot,
  async (t) => {
    const disk = new SmallDisk(t);
    const node = await Node.open(t, { root: disk.root });
    const record = await node.write(Buffer.alloc(900, "x"), "pull");
    node.fetcher.written(record, "layer");
    assert.equal(node.swarm.seeded.size, 1);
    disk.fill();
    await node.fetcher.disown(record.digest);
    assert.equal(node.store.find(record.digest), undefined);
    assert.equal(node.swarm.seeded.size, 0);
  },
);

const mebibyte = 1024 ** 2;

/** A disk of 4 MiB, of which a cached blob has 2 and nobody 2. */
async function nodeWithCache(t: TestContext) {
  const disk = new SmallDisk(t);
  const node = await Node.open(t, { root: disk.root, budgetBytes: 100 * mebibyte });
  const cached = await node.write(randomBytes(2 * mebibyte), "pull");
  await node.fetcher.disown(cached.digest);
  await node.budget.enforce();
  assert.equal(node.store.find(cached.digest)?.whole, true);
  return { disk, node, cached };
}

test("cached blobs leave for one that arrives on a full disk", asRoot, async (t) => {
  const { node, cached } = await nodeWithCache(t);
  const arriving = metainfoOf(Buffer.alloc(3 * mebibyte));
  await node.store.arrive(arriving);
  assert.equal(node.store.find(cached.digest), undefined);
});

test("cached blobs leave for one that containerd writes on a full disk", asRoot, async (t) => {
  const { disk, node, cached } = await nodeWithCache(t);
  disk.fill();
  const written = await node.write(randomBytes(1.5 * mebibyte), "pull");
  assert.equal(node.store.find(cached.digest), undefined);
  assert.equal((await node.read(written.digest, t.signal)).length, written.size);
});

test("cached blobs leave before the disk is full", asRoot, async (t) => {
  const { disk, node, cached } = await nodeWithCache(t);
  disk.fill();
  assert.equal(await node.budget.enforce(), 0);
  assert.equal(node.store.find(cached.digest), undefined);
});
