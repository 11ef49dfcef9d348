import assert from "node:assert/strict";
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import {
  FailedPreconditionError,
  InvalidArgumentError,
  SnapshotExistsError,
  SnapshotNotFoundError,
  UnavailableError,
} from "../errors.ts";
import type { Mount } from "../ports/snapshot-store.ts";
import { SystemClock } from "../system/system-clock.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { DiskSnapshotStore } from "./disk-snapshot-store.ts";
import { createTestRoot } from "./test-root.test-support.ts";

const labels = {};

/** Nobody else may give files away. */
const needsRoot = { skip: process.getuid?.() !== 0 };

async function openStore(
  t: TestContext,
): Promise<{ readonly root: string; readonly store: DiskSnapshotStore }> {
  const { root, open } = await createTestRoot(t);
  return { root, store: await open() };
}

/** The folder that something is written to. */
function upperOf(mounts: readonly Mount[]): string {
  const [mount] = mounts;
  assert.ok(mount);
  const upper = mount.options.find((option) => option.startsWith("upperdir="));
  return upper?.slice("upperdir=".length) ?? mount.source;
}

/** Commits so many layers, each on the one before, and gives the name of the last. */
async function commitLayers(store: DiskSnapshotStore, count: number): Promise<string> {
  let parent: string | undefined;
  for (let index = 0; index < count; index++) {
    const name = `layer ${index}`;
    await store.prepare("key", { ...(parent !== undefined && { parent }), labels });
    await store.commit(name, { key: "key", labels });
    parent = name;
  }
  return parent ?? assert.fail("no layers");
}

test("prepare(), commit() and remove() lead a snapshot through its life, also past restarts", async (t) => {
  const { root, open } = await createTestRoot(t);
  const key = "k8s.io/1/extract-/../\u0000 \ud800 ☃";
  let store = await open();
  const mounts = await store.prepare(key, { labels: { a: "1" } });
  const before = store.find(key);
  assert.deepEqual([before?.kind, before?.labels], ["active", { a: "1" }]);
  assert.equal(before?.createdAt, before?.updatedAt);
  store = await open();
  assert.deepEqual(store.find(key), before);
  assert.deepEqual(store.mounts(key), mounts);
  writeFileSync(join(upperOf(mounts), "file"), "content");

  const committed = await store.commit("base", { key, labels: { b: "2" } });
  assert.deepEqual([committed.kind, committed.labels], ["committed", { b: "2" }]);
  assert.ok(committed.createdAt > (before?.createdAt ?? 0n));
  assert.equal(store.find(key), undefined);
  await store.prepare(key, { parent: "base", labels });
  store = await open();
  assert.deepEqual(store.find("base"), committed);
  assert.equal(store.find(key)?.parent, "base");
  const [layer = ""] = store.layerPaths("base");
  assert.deepEqual(readdirSync(layer), ["file"]);

  await store.remove(key);
  await store.remove("base");
  assert.deepEqual([...store.records()], []);
  await store.cleanup();
  store = await open();
  assert.deepEqual([...store.records()], []);
  assert.deepEqual(readdirSync(join(root, "v1")), ["lock"]);
});

test("mounts() are bind mounts of one folder, and overlay mounts of several", async (t) => {
  const { root, open } = await createTestRoot(t);
  const store = await open({ mountOptions: ["index=on", "volatile"] });
  const path = (rest: string) => join(root, "v1", rest);
  const bind = (source: string, mode: string) => [
    { type: "bind", source: path(source), options: [mode, "rbind"] },
  ];
  const overlay = (...options: readonly string[]) => [
    { type: "overlay", source: "overlay", options: [...options, "index=on", "volatile"] },
  ];
  const parent = await commitLayers(store, 2);

  assert.deepEqual(await store.prepare("a", { labels }), bind("3/fs", "rw"));
  assert.deepEqual(await store.view("b", { labels }), bind("4/fs", "ro"));
  assert.deepEqual(await store.view("c", { parent: "layer 0", labels }), bind("1/fs", "ro"));
  const lower = `lowerdir=${path("2/fs")}:${path("1/fs")}`;
  assert.deepEqual(await store.view("d", { parent, labels }), overlay(lower));
  const upper = [`workdir=${path("7/work")}`, `upperdir=${path("7/fs")}`];
  assert.deepEqual(await store.prepare("e", { parent, labels }), overlay(...upper, lower));
  assert.deepEqual(store.mounts("e"), overlay(...upper, lower));
  assert.deepEqual(store.layerPaths(parent), [path("2/fs"), path("1/fs")]);
});

test(
  "folders have the modes that containerd gives them, and the owner of the layer below",
  needsRoot,
  async (t) => {
    const umask = process.umask(0o077);
    cleanUpOf(t).defer(() => process.umask(umask));
    const { root, store } = await openStore(t);
    const files = upperOf(await store.prepare("key", { labels }));
    assert.equal(lstatSync(files).mode & 0o7777, 0o755);
    assert.equal(lstatSync(join(root, "v1")).mode & 0o7777, 0o700);
    chownSync(files, 12, 34);
    chmodSync(files, 0o1777);
    await store.commit("base", { key: "key", labels });

    const child = lstatSync(upperOf(await store.prepare("child", { parent: "base", labels })));
    assert.deepEqual([child.uid, child.gid, child.mode & 0o7777], [12, 34, 0o755]);

    const mapping = {
      "containerd.io/snapshot/uidmapping": "0:1000:65536",
      "containerd.io/snapshot/gidmapping": "1:5:1,0:2000:65536",
    };
    const mounts = await store.prepare("mapped", { parent: "base", labels: mapping });
    const mapped = lstatSync(upperOf(mounts));
    assert.deepEqual([mapped.uid, mapped.gid], [1000, 2000]);
    assert.ok(!mounts[0]?.options.some((option) => option.startsWith("uidmap=")));
  },
);

test("id mappings are options of the mount if containerd was told so", async (t) => {
  const { open } = await createTestRoot(t);
  const store = await open({ remapIds: true });
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const mapping = {
    "containerd.io/snapshot/uidmapping": `0:${uid}:10`,
    "containerd.io/snapshot/gidmapping": `0:${gid}:10`,
  };
  const [mount] = await store.prepare("mapped", { labels: mapping });
  assert.deepEqual(mount?.options, [`uidmap=0:${uid}:10`, `gidmap=0:${gid}:10`, "rw", "rbind"]);
  for (const wrong of ["5", "1:0:1", "0:0:0", "0:5000000000:1", "0:-1:1", "a:b:c", ","]) {
    const wrongLabels = { "containerd.io/snapshot/uidmapping": wrong };
    const prepared = store.prepare("wrong", { labels: wrongLabels });
    await assert.rejects(prepared, InvalidArgumentError, wrong);
  }
});

test("what cannot be is refused, and changes nothing", async (t) => {
  const { root, store } = await openStore(t);
  const parent = await commitLayers(store, 1);
  await store.prepare("active", { parent, labels });
  await store.view("view", { parent, labels });
  const before = [...store.records()];
  const names = readdirSync(join(root, "v1"));

  for (const key of ["active", "view", parent]) {
    await assert.rejects(store.prepare(key, { labels }), SnapshotExistsError);
    await assert.rejects(store.view(key, { parent, labels }), SnapshotExistsError);
    if (key !== "active") {
      await assert.rejects(store.commit(key, { key: "active", labels }), SnapshotExistsError);
    }
  }
  await assert.rejects(store.prepare("x", { parent: "none", labels }), SnapshotNotFoundError);
  await assert.rejects(store.prepare("x", { parent: "active", labels }), InvalidArgumentError);
  await assert.rejects(store.commit("x", { key: "none", labels }), SnapshotNotFoundError);
  await assert.rejects(store.commit("none", { key: "none", labels }), SnapshotNotFoundError);
  await assert.rejects(store.commit("x", { key: "view", labels }), FailedPreconditionError);
  await assert.rejects(store.commit("x", { key: parent, labels }), FailedPreconditionError);
  const rebase = { key: "active", parent: "other", labels };
  await assert.rejects(store.commit("x", rebase), InvalidArgumentError);
  await assert.rejects(store.remove("none"), SnapshotNotFoundError);
  await assert.rejects(store.remove(parent), (error) => {
    return error instanceof FailedPreconditionError && error.message.includes("remove");
  });
  await assert.rejects(store.label("none", labels), SnapshotNotFoundError);
  await assert.rejects(store.usage("none"), SnapshotNotFoundError);
  assert.throws(() => store.mounts("none"), SnapshotNotFoundError);
  assert.throws(() => store.mounts(parent), FailedPreconditionError);
  assert.throws(() => store.layerPaths("none"), SnapshotNotFoundError);

  assert.deepEqual([...store.records()], before);
  assert.deepEqual(readdirSync(join(root, "v1")), names);
});

test("label() replaces labels and says when", async (t) => {
  const { store } = await openStore(t);
  const name = await commitLayers(store, 1);
  const before = store.find(name);
  const labelled = await store.label(name, { a: "1" });
  assert.deepEqual(store.find(name), labelled);
  assert.deepEqual(labelled, { ...before, labels: { a: "1" }, updatedAt: labelled.updatedAt });
  assert.ok(labelled.updatedAt > labelled.createdAt);
});

test("who comes at the same time with the same name gets it once", async (t) => {
  const { store } = await openStore(t);
  const prepared = await Promise.allSettled([
    store.prepare("key", { labels }),
    store.prepare("key", { labels }),
    store.view("key", { labels }),
  ]);
  assert.deepEqual(
    prepared.map(({ status }) => status),
    ["fulfilled", "rejected", "rejected"],
  );
  await store.prepare("other", { labels });
  const committed = await Promise.allSettled([
    store.commit("name", { key: "key", labels }),
    store.commit("name", { key: "other", labels }),
    store.commit("name", { key: "key", labels }),
  ]);
  assert.equal(committed.filter(({ status }) => status === "fulfilled").length, 1);
  // Crosswise, two that wait for each other would wait for ever.
  await store.prepare("one", { labels });
  await Promise.allSettled([
    store.commit("one", { key: "other", labels }),
    store.commit("other", { key: "one", labels }),
  ]);
});

test("a parent is not removed while a child is made, and no child is made of one that goes", async (t) => {
  const { open } = await createTestRoot(t);
  const store = await open();
  for (const first of ["remove", "prepare"]) {
    const parent = await commitLayers(store, 1);
    const work = [
      () => store.remove(parent),
      () => store.prepare(`child after ${first}`, { parent, labels }),
    ];
    if (first === "prepare") work.reverse();
    const [earlier, later] = await Promise.allSettled(work.map((start) => start()));
    assert.deepEqual([earlier?.status, later?.status], ["fulfilled", "rejected"]);
  }
  const records = [...store.records()];
  assert.deepEqual(records.map(({ name }) => name).sort(), ["child after prepare", "layer 0"]);
  assert.deepEqual([...(await open()).records()].length, 2);
});

test("a prepare that fails on disk leaves nothing, not even a hold on its parent", async (t) => {
  const { root, store } = await openStore(t);
  const parent = await commitLayers(store, 1);
  // In the way of the next snapshot.
  mkdirSync(join(root, "v1", "2", "full"), { recursive: true });
  await assert.rejects(store.prepare("key", { parent, labels }));
  assert.equal(store.find("key"), undefined);
  await store.cleanup();
  assert.deepEqual(readdirSync(join(root, "v1")).sort(), ["1", "2", "lock"]);
  await store.prepare("key", { parent, labels });
  await store.remove("key");
  await store.remove(parent);
});

test("a root that a mount cannot name, or that another has open, is refused", async (t) => {
  const { root } = await openStore(t);
  const deps = { root, clock: new SystemClock(), logger: new MemoryLogger() };
  await assert.rejects(DiskSnapshotStore.open(deps, t), UnavailableError);
  for (const name of ["a:b", "a,b", "a\\b"]) {
    const opening = DiskSnapshotStore.open({ ...deps, root: join(root, name) }, t);
    await assert.rejects(opening, InvalidArgumentError);
  }
  assert.deepEqual(readdirSync(root), ["v1"]);
});
