/**
 * Does all that changes a store of snapshots, for ever, and tells what it has been told is
 * done. Run by kill.test.ts, which kills it. Arguments: the store's root and a seed.
 */
import { mkdirSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";

import type { SnapshotRecord } from "../ports/snapshot-store.ts";
import { SystemClock } from "../system/system-clock.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import { DiskSnapshotStore } from "./disk-snapshot-store.ts";

const [, , root = "", seed = ""] = argv;
const random = seededRandom(Number(seed));
const { signal } = new AbortController();
const store = await DiskSnapshotStore.open(
  { root, clock: new SystemClock(), logger: new MemoryLogger(), settleDelayMs: 5 },
  { signal },
);

/** Not console.log(): what was said must have been said when the process dies. */
function tell(verb: "has" | "changing", ...names: readonly string[]): void {
  for (const name of names) {
    writeSync(1, `${JSON.stringify({ verb, name, record: wireOf(store.find(name)) })}\n`);
  }
}

function wireOf(record: SnapshotRecord | undefined): object | undefined {
  return record && { kind: record.kind, parent: record.parent, labels: record.labels };
}

/** Puts a file that names it into the files of a snapshot, and some more to delete later. */
function fill(files: string, name: string): void {
  writeFileSync(join(files, "name"), name);
  for (let index = 0; index < 5; index++) {
    mkdirSync(join(files, `${index}`));
    writeFileSync(join(files, `${index}`, "file"), "");
  }
}

function anyCommitted(): string | undefined {
  const names = [...store.records()].filter(({ kind }) => kind === "committed");
  return names[Math.floor(random() * names.length)]?.name;
}

async function unpack(name: string): Promise<void> {
  const base = random() < 0.7 ? anyCommitted() : undefined;
  const parent = base === undefined ? {} : { parent: base };
  const key = `extract ${name}`;
  tell("changing", key, name);
  await store.prepare(key, { ...parent, labels: { step: "1" } });
  tell("has", key);
  fill(join(root, "v1", idOf(key), "fs"), name);
  tell("changing", key, name);
  if (random() < 0.2) return store.remove(key);
  await store.commit(name, { key, labels: { step: "2" } });
  tell("has", key, name);
  tell("changing", name);
  await store.label(name, { step: "3" });
  tell("has", name);
}

async function draft(name: string): Promise<void> {
  tell("changing", name);
  const layer = await store.createDraft();
  fill(layer.path, name);
  const base = anyCommitted();
  const usage = { size: 1, inodes: 1 };
  if (random() < 0.2) return layer.discard();
  const parent = base === undefined ? {} : { parent: base };
  await layer.commit({ name, ...parent, labels: {}, usage });
  tell("has", name);
  const again = await store.createDraft();
  fill(again.path, name);
  await again.replace(name, { usage });
}

async function remove(): Promise<void> {
  for (const { name } of [...store.records()]) {
    if (random() < 0.7) continue;
    tell("changing", name);
    await store.remove(name).catch(() => undefined);
    tell("has", name);
  }
}

function idOf(key: string): string {
  const [mount] = store.mounts(key);
  const upper = mount?.options.find((option) => option.startsWith("upperdir=")) ?? mount?.source;
  return /(\d+)\/fs$/.exec(upper ?? "")?.[1] ?? "";
}

for (let count = 0; ; count++) {
  // What fails is refused: somebody else removed the parent, or has the name.
  await Promise.allSettled([
    unpack(`u${seed}-${count}`),
    draft(`d${seed}-${count}`),
    ...(count % 3 === 2 ? [remove()] : []),
  ]);
}
