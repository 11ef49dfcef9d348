import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { watch } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import type { Cancellable } from "../ports/cancellable.ts";
import type { DiskUsage } from "../ports/layer-unpacker.ts";
import { createTestRoot } from "./test-root.test-support.ts";

const labels = {};

/** What `du` says of a folder. */
function du(folder: string): DiskUsage {
  const count = (option: string) =>
    parseInt(execFileSync("du", ["-s", option, folder], { encoding: "utf8" }));
  return { size: count("--block-size=1"), inodes: count("--inodes") };
}

/** Waits until the record of a snapshot says that its files are synced. */
async function settled(folder: string, { signal }: Cancellable): Promise<Record<string, unknown>> {
  const read = () =>
    JSON.parse(readFileSync(join(folder, "snapshot.json"), "utf8")) as Record<string, unknown>;
  const changes = watch(folder, { signal });
  // Watching begins with the first call, so that is before the first look.
  for (let change = changes.next(); ; change = changes.next()) {
    change.catch(() => undefined);
    const record = read();
    if (JSON.stringify(record["content"]).includes('"synced":true')) return record;
    await change;
  }
}

test("usage() counts what an active snapshot takes now, and keeps what a committed one takes", async (t) => {
  const { root, open } = await createTestRoot(t);
  const store = await open({ settleDelayMs: 0 });
  const [mount] = await store.prepare("key", { labels });
  const files = mount?.source ?? "";
  const empty = await store.usage("key");
  assert.deepEqual(empty, du(files));
  writeFileSync(join(files, "file"), Buffer.alloc(100_000));
  const written = await store.usage("key");
  assert.deepEqual(written, du(files));
  assert.equal(written.inodes, empty.inodes + 1);

  await store.commit("name", { key: "key", labels });
  assert.deepEqual(await store.usage("name"), written);
  const record = await settled(join(root, "v1", "1"), t);
  assert.deepEqual(record["usage"], written);
  // It is not counted again, or this would be found.
  writeFileSync(join(files, "more"), Buffer.alloc(100_000));
  assert.deepEqual(await (await open()).usage("name"), written);
});

test("usage() of a view is nothing: it has nothing of its own", async (t) => {
  const { open } = await createTestRoot(t);
  const store = await open();
  await store.view("view", { labels });
  assert.deepEqual(await store.usage("view"), { size: 0, inodes: 0 });
});

test("usage() of what is removed meanwhile says that it is gone", async (t) => {
  const { open } = await createTestRoot(t);
  const store = await open();
  const [mount] = await store.prepare("key", { labels });
  for (let index = 0; index < 200; index++)
    writeFileSync(join(mount?.source ?? "", `${index}`), "");
  const counting = Promise.allSettled([store.usage("key"), store.usage("key"), store.usage("key")]);
  await store.remove("key");
  await store.cleanup();
  for (const result of await counting) {
    if (result.status === "rejected")
      assert.equal((result.reason as { code: string }).code, "not_found");
  }
  await assert.rejects(store.usage("key"), { code: "not_found" });
});

test("what a process did not come to settle is settled by the next", async (t) => {
  const { root, open } = await createTestRoot(t);
  const store = await open();
  await store.prepare("key", { labels });
  await store.commit("name", { key: "key", labels });
  await open({ settleDelayMs: 0 });
  const record = await settled(join(root, "v1", "1"), t);
  assert.deepEqual(record["usage"], du(join(root, "v1", "1", "fs")));
});
