import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { MemoryLogger } from "../testing/memory-logger.ts";
import type { DiskSnapshotStore } from "./disk-snapshot-store.ts";
import { createTestRoot } from "./test-root.test-support.ts";

const labels = {};
const usage = { size: 4096, inodes: 1 };

function namesOf(store: DiskSnapshotStore): string[] {
  return [...store.records()].map(({ name }) => name).sort();
}

/** Commits a draft with one file in it. */
async function commitDraft(store: DiskSnapshotStore, name: string): Promise<void> {
  const draft = await store.createDraft();
  writeFileSync(join(draft.path, "file"), name);
  await draft.commit({ name, labels, usage });
}

/** Makes a folder say that it was written before the machine started the last time. */
function predate(root: string, id: number, { synced }: { readonly synced: boolean }): void {
  const path = join(root, "v1", String(id), "snapshot.json");
  const record = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  record["content"] = { synced, bootId: "another" };
  writeFileSync(path, JSON.stringify(record));
}

test("a draft is nothing until it is committed, and then what it was given", async (t) => {
  const { root, open } = await createTestRoot(t);
  const store = await open();
  const draft = await store.createDraft();
  assert.deepEqual(readdirSync(draft.path), []);
  writeFileSync(join(draft.path, "file"), "content");
  assert.deepEqual(namesOf(store), []);
  const lower = await store.createDraft();
  await lower.commit({ name: "lower", labels, usage });
  const record = await draft.commit({ name: "upper", parent: "lower", labels: { a: "1" }, usage });
  assert.equal(record.kind, "committed");
  assert.deepEqual(await store.usage("upper"), usage);
  const [top = ""] = store.layerPaths("upper");
  assert.equal(readFileSync(join(top, "file"), "utf8"), "content");
  await draft.discard();
  await store.cleanup();
  assert.ok(existsSync(top));
  await assert.rejects(store.remove("lower"), /children/);
  const reopened = await open();
  assert.deepEqual(reopened.find("upper"), record);
  assert.deepEqual(await reopened.usage("upper"), usage);
  assert.deepEqual(readdirSync(join(root, "v1")).sort(), ["1", "2", "lock"]);
});

test("a draft that cannot be committed is kept, and can be discarded", async (t) => {
  const { root, open } = await createTestRoot(t);
  const store = await open();
  await commitDraft(store, "taken");
  await store.prepare("active", { labels });
  const draft = await store.createDraft();
  const snapshot = { name: "new", labels, usage };
  await assert.rejects(draft.commit({ ...snapshot, name: "taken" }), { code: "already_exists" });
  await assert.rejects(draft.commit({ ...snapshot, parent: "none" }), { code: "not_found" });
  await assert.rejects(draft.commit({ ...snapshot, parent: "active" }), {
    code: "invalid_argument",
  });
  await assert.rejects(draft.replace("none", { usage }), { code: "not_found" });
  await assert.rejects(draft.replace("active", { usage }), { code: "invalid_argument" });
  assert.ok(existsSync(draft.path));
  await draft.discard();
  await draft.discard();
  await store.cleanup();
  assert.deepEqual(readdirSync(join(root, "v1")).sort(), ["1", "2", "lock"]);
  await store.remove("taken");
});

test("open() deletes what is half made or half deleted, and nothing that is not ours", async (t) => {
  const { root, open } = await createTestRoot(t);
  await commitDraft(await open(), "kept");
  const folder = join(root, "v1");
  for (const name of ["new-8", "draft-9", "removed-20", "removed-0", "lost+found"]) {
    mkdirSync(join(folder, name, "fs"), { recursive: true });
    writeFileSync(join(folder, name, "fs", "file"), "");
  }
  writeFileSync(join(folder, "1", "snapshot.json.tmp"), "{");
  const store = await open();
  await store.cleanup();
  assert.deepEqual(readdirSync(folder).sort(), ["1", "lock", "lost+found", "removed-0"]);
  assert.deepEqual(readdirSync(join(folder, "1")).sort(), ["fs", "snapshot.json"]);
  // Ids of what was there are not used again: it may be mounted still.
  const [mount] = await store.prepare("next", { labels });
  assert.equal(mount?.source, join(folder, "21", "fs"));
});

test("open() sets aside what cannot be used, with what is on it, and says so", async (t) => {
  const { root, open } = await createTestRoot(t);
  const store = await open();
  for (const name of ["a", "b", "c", "d", "e"]) {
    const draft = await store.createDraft();
    const parent = { b: "a", c: "b", e: "d" }[name];
    await draft.commit({ name, ...(parent !== undefined && { parent }), labels, usage });
  }
  await store[Symbol.asyncDispose]();
  const folder = join(root, "v1");
  writeFileSync(join(folder, "2", "snapshot.json"), "{}");
  rmSync(join(folder, "5", "fs"), { recursive: true });
  const logger = new MemoryLogger();
  const reopened = await open({ logger });
  assert.deepEqual(namesOf(reopened), ["a", "d"]);
  const damaged = readdirSync(folder).filter((name) => name.startsWith("damaged-"));
  assert.deepEqual(damaged.sort(), ["damaged-2", "damaged-3", "damaged-5"]);
  assert.equal(logger.lines.filter(({ level }) => level === "error").length, 3);
  await reopened.remove("a");
  await reopened.remove("d");
  assert.deepEqual(namesOf(await open()), []);
});

test("open() is not led in circles by records that have each other for parents", async (t) => {
  const { root, open } = await createTestRoot(t);
  const store = await open();
  for (const name of ["a", "b"]) await commitDraft(store, name);
  await store[Symbol.asyncDispose]();
  for (const [id, parent] of [
    [1, "b"],
    [2, "a"],
  ] as const) {
    const path = join(root, "v1", String(id), "snapshot.json");
    const record = JSON.parse(readFileSync(path, "utf8")) as object;
    writeFileSync(path, JSON.stringify({ ...record, parent }));
  }
  assert.deepEqual(namesOf(await open()), []);
});

test("what was not synced before the machine went down is told of until it is replaced", async (t) => {
  const { root, open } = await createTestRoot(t);
  const store = await open();
  for (const name of ["lost", "safe", "removed", "fresh"]) await commitDraft(store, name);
  await store.prepare("child", { parent: "lost", labels });
  assert.deepEqual([...store.unsyncedAfterCrash()], []);
  await store[Symbol.asyncDispose]();
  predate(root, 1, { synced: false });
  predate(root, 2, { synced: true });
  predate(root, 3, { synced: false });

  const reopened = await open();
  const unsynced = (of: DiskSnapshotStore) => [...of.unsyncedAfterCrash()].map(({ name }) => name);
  assert.deepEqual(unsynced(reopened).sort(), ["lost", "removed"]);
  await reopened.remove("removed");
  const before = reopened.find("lost");
  const draft = await reopened.createDraft();
  writeFileSync(join(draft.path, "file"), "found");
  assert.deepEqual(await draft.replace("lost", { usage }), before);
  assert.deepEqual(unsynced(reopened), []);
  const [layer = ""] = reopened.layerPaths("lost");
  assert.equal(readFileSync(join(layer, "file"), "utf8"), "found");
  assert.ok(reopened.mounts("child")[0]?.options.includes(`lowerdir=${layer}`));
  await assert.rejects(reopened.remove("lost"), /children/);
  await reopened.cleanup();

  const again = await open();
  assert.deepEqual(unsynced(again), []);
  assert.deepEqual(again.layerPaths("lost"), [layer]);
  assert.equal(existsSync(join(root, "v1", "1")), false);
});

test("of two folders with one name the later one counts", async (t) => {
  const { root, open } = await createTestRoot(t);
  const store = await open();
  await commitDraft(store, "name");
  await store[Symbol.asyncDispose]();
  const folder = join(root, "v1");
  await cp(join(folder, "1"), join(folder, "12"), { recursive: true });
  renameSync(join(folder, "1"), join(folder, "9"));
  const reopened = await open();
  assert.deepEqual(reopened.layerPaths("name"), [join(folder, "12", "fs")]);
  await reopened.cleanup();
  assert.deepEqual(readdirSync(folder).sort(), ["12", "lock"]);
});

test("a snapshot whose folder somebody deleted can be removed", async (t) => {
  const { root, open } = await createTestRoot(t);
  const store = await open();
  await commitDraft(store, "gone");
  rmSync(join(root, "v1", "1"), { recursive: true });
  await store.remove("gone");
  assert.deepEqual(namesOf(store), []);
});

test("what is used although it may be lost is not replaced before the machine starts again", async (t) => {
  const { root, open } = await createTestRoot(t);
  const store = await open();
  for (const name of ["used", "unused"]) await commitDraft(store, name);
  await store.prepare("child", { parent: "used", labels });
  await store[Symbol.asyncDispose]();
  predate(root, 1, { synced: false });
  predate(root, 2, { synced: false });

  const crashed = await open();
  assert.equal(crashed.isReplaceable("unused"), false, "it may be restored yet");
  for (const name of ["used", "unused", "child", "none"]) await crashed.releaseUnsynced(name);
  assert.deepEqual([...crashed.unsyncedAfterCrash()], []);
  await crashed[Symbol.asyncDispose]();

  const restarted = await open();
  assert.deepEqual([...restarted.unsyncedAfterCrash()], []);
  const replaceable = namesOf(restarted).filter((name) => restarted.isReplaceable(name));
  assert.deepEqual(replaceable, ["unused"]);
  const [layer = ""] = restarted.layerPaths("used");
  const draft = await restarted.createDraft();
  await assert.rejects(draft.replace("used", { usage }), { code: "failed_precondition" });
  await restarted.cleanup();
  assert.equal(readFileSync(join(layer, "file"), "utf8"), "used");
  await draft.replace("unused", { usage });
  assert.equal(restarted.isReplaceable("unused"), false);
  await restarted[Symbol.asyncDispose]();

  const path = join(root, "v1", "1", "snapshot.json");
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace(/"releasedIn":"[^"]*"/, '"releasedIn":"another"'));
  const rebooted = await open();
  assert.deepEqual(
    [...rebooted.unsyncedAfterCrash()].map(({ name }) => name),
    ["used"],
  );
});

test("a snapshot that cannot be replaced stays as it is", async (t) => {
  const { root, open } = await createTestRoot(t);
  const store = await open();
  await commitDraft(store, "name");
  await store[Symbol.asyncDispose]();
  predate(root, 1, { synced: false });
  const crashed = await open();
  await crashed.releaseUnsynced("name");
  const draft = await crashed.createDraft();
  rmSync(join(draft.path, ".."), { recursive: true });
  await assert.rejects(draft.replace("name", { usage }));
  assert.equal(crashed.isReplaceable("name"), true);
});
