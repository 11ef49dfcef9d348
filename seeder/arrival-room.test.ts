import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { CacheBudget } from "../core/blob-life/cache-budget.ts";
import { digestOf } from "../core/digest.ts";
import { StorageFullError } from "../core/errors.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { ArrivalRoom } from "./arrival-room.ts";
import { BlobRoom } from "./blob-room.ts";

const mib = 1024 * 1024;

/** Room of 100 MiB, of which nothing is in use but what arrives. */
function open(t: TestContext) {
  const budgetBytes = 100 * mib;
  const store = {
    find: () => undefined,
    records: () => [],
    evict: async () => true,
    ingests: () => [],
    abortIngest: async () => undefined,
  };
  const offering = { add: () => undefined, withdraw: () => undefined };
  const rule = { budgetBytes, lastUseOf: () => 0n, isKept: () => true };
  const budget = new CacheBudget({ store, offering, logger: new MemoryLogger(), rule });
  const room = new BlobRoom({ store, budget, budgetBytes, noteUses: () => undefined });
  const arrive = (seed: string, size: number) => {
    const descriptor = { mediaType: "layer", digest: digestOf(Buffer.from(seed)), size };
    const arrival = cleanUpOf(t).use(
      new ArrivalRoom({ registry: "r.example", repository: "pond/fish", descriptor }, room),
    );
    return arrival;
  };
  return { arrive };
}

test("blobs of which a byte came leave the room to those of which more comes", async (t) => {
  const { arrive } = open(t);
  for (let index = 0; index < 20; index++) await arrive(String(index), 100 * mib).reach(1);
  const other = arrive("other", 60 * mib);
  for (let end = 1; end <= 60; end++) await other.reach(end * mib);
});

test("what is made in advance is not needed: all of the room can be used", async (t) => {
  const { arrive } = open(t);
  const [one, other] = [arrive("one", 90 * mib), arrive("other", 90 * mib)];
  await one.reach(45 * mib);
  await one.reach(90 * mib);
  await other.reach(10 * mib);
  await assert.rejects(other.reach(10 * mib + 1), StorageFullError);
  one[Symbol.dispose]();
  await other.reach(90 * mib);
});

test("a blob that is larger than all room is refused before a byte of it", (t) => {
  const { arrive } = open(t);
  assert.throws(() => arrive("large", 100 * mib + 1), StorageFullError);
});
