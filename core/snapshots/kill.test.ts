import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { test } from "node:test";

import { z } from "zod";

import { seededRandom } from "../testing/seeded-random.ts";
import type { DiskSnapshotStore } from "./disk-snapshot-store.ts";
import { createTestRoot } from "./test-root.test-support.ts";

/** Each is a process of its own, and waits for the disk a few dozen times: about a second. */
const kills = 20;

type Writer = ChildProcessByStdio<null, Readable, null>;

const lineSchema = z.object({
  verb: z.enum(["has", "changing"]),
  name: z.string(),
  record: z.unknown().optional(),
});

/** What a snapshot was last said to be; `undefined` in it: not to be there. */
type Told = ReadonlyMap<string, unknown>;

function startWriter(root: string, seed: number): Writer {
  const program = join(import.meta.dirname, "kill-writer.test-support.ts");
  return spawn(process.execPath, [program, root, String(seed)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** Kills a writer when it has told so many things, and adds to what is known to be so. */
async function killAfter(writer: Writer, count: number, told: Map<string, unknown>): Promise<void> {
  const exited = once(writer, "exit");
  try {
    let lines = 0;
    for await (const line of createInterface({ input: writer.stdout })) {
      const { verb, name, record } = lineSchema.parse(JSON.parse(line));
      if (verb === "has") told.set(name, record);
      else told.delete(name);
      if (++lines >= count) writer.kill("SIGKILL");
    }
  } finally {
    writer.kill("SIGKILL");
    await exited;
  }
}

test("whenever the process is killed, state and disk agree, and what was acknowledged is so", async (t) => {
  const { root, open } = await createTestRoot(t);
  const random = seededRandom(7);
  const told = new Map<string, unknown>();
  for (let round = 0; round < kills; round++) {
    await killAfter(startWriter(root, round), 1 + Math.floor(random() * 60), told);
    const store = await open();
    checkTold(store, told);
    await checkFolders(store, root);
    await store[Symbol.asyncDispose]();
  }
});

function checkTold(store: DiskSnapshotStore, told: Told): void {
  for (const [name, expected] of told) {
    const record = store.find(name);
    const found = record && { kind: record.kind, parent: record.parent, labels: record.labels };
    assert.deepEqual(JSON.parse(JSON.stringify(found ?? null)), expected ?? null, name);
  }
}

async function checkFolders(store: DiskSnapshotStore, root: string): Promise<void> {
  const expected: string[] = [];
  for (const { name, kind, parent } of store.records()) {
    const [files = "", ...below] = store.layerPaths(name);
    expected.push(files);
    assert.equal(below.length > 0, parent !== undefined);
    // Every committed one was filled before; it must be its own files that it has.
    if (kind === "committed") assert.equal(readFileSync(join(files, "name"), "utf8"), name);
    else assert.ok(store.mounts(name).length > 0);
  }
  await store.cleanup();
  const folder = join(root, "v1");
  const found = readdirSync(folder).filter((name) => name !== "lock");
  assert.deepEqual(found.map((name) => join(folder, name, "fs")).sort(), expected.sort());
}
