import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { StorageFullError } from "../errors.ts";
import type { DiskSnapshotStore } from "./disk-snapshot-store.ts";
import { type TestRoot, createTestRoot } from "./test-root.test-support.ts";

const labels = {};

/** Enough for a few snapshots. */
const inodes = 30;

const needsRoot = { skip: process.getuid?.() !== 0 && "only root may mount" };

test("a full disk is told, changes nothing, and is got over", needsRoot, async (t) => {
  const { root, open } = await createTestRoot(t);
  const options = `size=1m,nr_inodes=${inodes}`;
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", root]);
  try {
    await checkFullDisk({ root, open });
  } finally {
    execFileSync("umount", ["--lazy", root]);
  }
});

async function checkFullDisk({ root, open }: TestRoot): Promise<void> {
  const store = await open();
  const count = await fillDisk(store);
  await store.cleanup();
  assert.equal(readdirSync(join(root, "v1")).length, count + 1);
  // What little is left after that.
  await assert.rejects(async () => {
    for (let index = 0; index < inodes; index++) await store.createDraft();
  }, StorageFullError);
  const before = store.find("key 0");
  await assert.rejects(store.commit("name", { key: "key 0", labels }), StorageFullError);
  await assert.rejects(store.label("key 0", { a: "1" }), StorageFullError);
  assert.deepEqual(store.find("key 0"), before);

  await store.remove("key 1");
  await store.cleanup();
  await store.commit("name", { key: "key 0", labels });
  const reopened = await open();
  assert.equal([...reopened.records()].length, count - 1);
  await reopened.cleanup();
  await reopened.prepare("again", { parent: "name", labels });
  await reopened[Symbol.asyncDispose]();
}

/** Prepares snapshots until there is no room, and gives how many there are. */
async function fillDisk(store: DiskSnapshotStore): Promise<number> {
  let count = 0;
  await assert.rejects(async () => {
    for (; count < inodes; count++) await store.prepare(`key ${count}`, { labels });
  }, StorageFullError);
  assert.ok(count > 1);
  return count;
}
