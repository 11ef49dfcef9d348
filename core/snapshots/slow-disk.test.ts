import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type FileHandle, open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { DataLossError } from "../errors.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { createTestRoot } from "./test-root.test-support.ts";

const labels = {};

/** A store with an active snapshot, on a disk that takes its time from then on. */
async function setUp(t: TestContext) {
  const { root, open } = await createTestRoot(t);
  const logger = new MemoryLogger();
  const store = await open({ logger });
  await store.prepare("key", { labels });
  const nameOnDisk = () => /"name":"(\w+)"/.exec(readFileSync(recordPath, "utf8"))?.[1];
  const recordPath = join(root, "v1", "1", "snapshot.json");
  return { store, logger, nameOnDisk, disk: await stopDisk(t, root) };
}

/** Lets no file come to the disk before `answer` is resolved, or rejected. */
async function stopDisk(t: TestContext, root: string) {
  const answer = Promise.withResolvers<undefined>();
  const isAsked = Promise.withResolvers<undefined>();
  const file = await openFile(root);
  t.mock.method(Object.getPrototypeOf(file) as FileHandle, "sync", async () => {
    isAsked.resolve(undefined);
    await answer.promise;
  });
  await file.close();
  return { ...answer, asked: isAsked.promise };
}

test("a commit waits a second for the disk, and is told then, with all processes seeing it", async (t) => {
  const { store, logger, disk, nameOnDisk } = await setUp(t);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let isTold = false;
  const committed = store.commit("name", { key: "key", labels }).then(() => (isTold = true));
  await disk.asked;
  t.mock.timers.tick(999);
  await setImmediate();
  assert.deepEqual([isTold, nameOnDisk()], [false, "key"]);
  t.mock.timers.tick(1);
  await committed;
  assert.equal(nameOnDisk(), "name");
  assert.equal(store.find("name")?.kind, "committed");

  // The store is closed when the disk has it.
  let isClosed = false;
  const closed = store[Symbol.asyncDispose]().then(() => (isClosed = true));
  await setImmediate();
  assert.equal(isClosed, false);
  disk.resolve(undefined);
  await closed;
  assert.deepEqual(logger.lines, []);
});

test("a commit that the disk refuses is none, and one that it refuses later is told of", async (t) => {
  const failure = Object.assign(new Error("The disk fails"), { code: "EIO" });
  for (const isLate of [false, true]) {
    const { store, logger, disk, nameOnDisk } = await setUp(t);
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const committed = store.commit("name", { key: "key", labels });
    await disk.asked;
    if (isLate) {
      t.mock.timers.tick(1000);
      await committed;
    }
    disk.reject(failure);
    if (!isLate) await assert.rejects(committed, DataLossError);
    assert.equal(nameOnDisk(), isLate ? "name" : "key");
    assert.equal(store.find("key")?.kind, isLate ? undefined : "active");
    t.mock.restoreAll();
    t.mock.timers.reset();
    await store[Symbol.asyncDispose]();
    const told = logger.lines.map(({ level, message }) => [level, message]);
    assert.deepEqual(told, isLate ? [["error", "a snapshot may be lost"]] : []);
  }
});
