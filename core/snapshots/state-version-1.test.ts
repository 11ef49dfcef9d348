import assert from "node:assert/strict";
import { cp, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import type { DiskSnapshotStore } from "./disk-snapshot-store.ts";
import { createTestRoot } from "./test-root.test-support.ts";

/**
 * Snapshots as the first version of the state wrote them. These files stay as they are: nodes
 * have such folders, and an upgrade must open them.
 */
const fixture = join(import.meta.dirname, "fixtures", "snapshots-v1");

/** Folders of it with nothing in them, which git does not keep. */
const emptyFolders = ["1/work", "3/fs", "3/work", "4/fs"];

async function openFixture(t: TestContext): Promise<DiskSnapshotStore> {
  const { root, open } = await createTestRoot(t);
  await cp(fixture, root, { recursive: true });
  for (const folder of emptyFolders) await mkdir(join(root, "v1", folder), { recursive: true });
  return open();
}

test("snapshots of state version 1 are there with all that was known of them", async (t) => {
  const store = await openFixture(t);
  const known = [...store.records()].map(({ name, kind, parent }) => [name, kind, parent]);
  assert.deepEqual(known.toSorted(), [
    ["container-1", "active", "sha256:2"],
    ["sha256:1", "committed", undefined],
    ["sha256:2", "committed", "sha256:1"],
    ["view-1", "view", "sha256:1"],
  ]);
  assert.deepEqual(store.find("sha256:1")?.labels, { "containerd.io/snapshot.ref": "sha256:1" });
  assert.deepEqual(store.find("sha256:2")?.labels, { a: "b" });
  assert.equal(typeof store.find("sha256:2")?.createdAt, "bigint");
  assert.deepEqual(await store.usage("sha256:2"), { size: 4096, inodes: 2 });
});

test("layers of state version 1 are mounted with their files, and new ones go on them", async (t) => {
  const store = await openFixture(t);
  const [upper, lower] = store.layerPaths("sha256:2");
  assert.ok(upper !== undefined && lower !== undefined);
  assert.equal(await readFile(join(upper, "draft"), "utf8"), "layer 2");
  assert.equal(await readFile(join(lower, "file"), "utf8"), "layer 1");
  const [mount] = store.mounts("container-1");
  assert.equal(mount?.type, "overlay");
  assert.ok(mount.options.includes(`lowerdir=${upper}:${lower}`));
  await store.prepare("container-2", { parent: "sha256:2", labels: {} });
  await store.remove("container-1");
  assert.deepEqual([...store.records()].map(({ name }) => name).toSorted(), [
    ...["container-2", "sha256:1", "sha256:2", "view-1"],
  ]);
});
