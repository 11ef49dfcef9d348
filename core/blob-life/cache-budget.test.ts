import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../digest.ts";
import type { BlobRecord } from "../ports/blob-store.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { CacheBudget, type EvictionRule, overBudget } from "./cache-budget.ts";

function record(updatedAt: bigint, changes: Partial<BlobRecord> = {}): BlobRecord {
  const digest = digestOf(Buffer.from(String(updatedAt)));
  const labels = {};
  const base = { digest, size: 10, createdAt: 0n, updatedAt, labels, provenance: "pull" } as const;
  return { ...base, owned: false, whole: true, ...changes };
}

function timesOf(records: readonly BlobRecord[]): bigint[] {
  return records.map(({ updatedAt }) => updatedAt);
}

function rule(budgetBytes: number): EvictionRule {
  return { budgetBytes, lastUseOf: ({ updatedAt }) => updatedAt, isKept: () => false };
}

test("overBudget() lets the least recently used go, and no more than needed", () => {
  const records = [record(3n), record(1n), record(2n)];
  assert.deepEqual(timesOf(overBudget(records, rule(30))), []);
  assert.deepEqual(timesOf(overBudget(records, rule(29))), [1n]);
  assert.deepEqual(timesOf(overBudget(records, rule(30), 11)), [1n, 2n]);
  assert.deepEqual(timesOf(overBudget(records, rule(0))), [1n, 2n, 3n]);
});

test("overBudget() never names what containerd owns, what still arrives, or what is kept", () => {
  const owned = [record(1n, { owned: true }), record(2n, { whole: false, owned: true })];
  const keeping = { ...rule(0), isKept: ({ updatedAt }: BlobRecord) => updatedAt === 3n };
  assert.deepEqual(timesOf(overBudget([...owned, record(3n), record(4n)], keeping)), [4n]);
});

test("enforce() withdraws and deletes one after the other, and tells what is still over", async () => {
  const records = new Map([1n, 2n, 3n].map((time) => [record(time).digest, record(time)]));
  const log: string[] = [];
  const logger = new MemoryLogger();
  const kept = record(3n).digest;
  const budget = new CacheBudget({
    store: {
      records: () => records.values(),
      find: (digest) => records.get(digest),
      evict: async (digest) => {
        log.push("evict");
        if (digest === record(1n).digest) throw new Error("the disk fails");
        return records.delete(digest);
      },
    },
    offering: { add: () => undefined, withdraw: () => void log.push("withdraw") },
    logger,
    rule: { ...rule(25), isKept: ({ digest }) => digest === kept },
  });
  assert.deepEqual(await Promise.all([budget.enforce(), budget.enforce(10)]), [5, 5]);
  assert.deepEqual(log.slice(0, 2), ["withdraw", "evict"]);
  assert.deepEqual([...records.keys()], [record(1n).digest, kept]);
  assert.equal(logger.lines.filter(({ level }) => level === "warn").length, 2);
});

test("enforce() spares what a pull takes while others are being deleted", async () => {
  const records = new Map([1n, 2n, 3n, 4n].map((time) => [record(time).digest, record(time)]));
  const [, claimed, owned, late] = [...records.keys()];
  assert.ok(claimed && owned && late);
  const kept = new Set<string>();
  const added: BlobRecord[] = [];
  const own = (digest: typeof owned) => {
    const changed = { ...record(3n, { owned: true }), digest };
    records.set(digest, changed);
    return changed;
  };
  const budget = new CacheBudget({
    store: {
      records: () => records.values(),
      find: (digest) => records.get(digest),
      evict: async (digest) => {
        kept.add(claimed);
        if (digest === late) own(late);
        else own(owned);
        return digest !== late && records.delete(digest);
      },
    },
    offering: { add: (one) => void added.push(one), withdraw: () => undefined },
    logger: new MemoryLogger(),
    rule: { ...rule(0), isKept: ({ digest }) => kept.has(digest) },
  });
  await budget.enforce();
  assert.deepEqual([...records.keys()], [claimed, owned, late]);
  assert.deepEqual(
    added.map(({ digest }) => digest),
    [late],
  );
});
