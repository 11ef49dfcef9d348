import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { abortable } from "../core/async/deadline.ts";
import { BlobNotFoundError, UnavailableError } from "../core/errors.ts";
import type { BlobOptions, Repository } from "../core/ports/origin.ts";
import { DiskBlobStore } from "../core/store/disk-blob-store.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { ManualClock } from "../core/testing/manual-clock.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import type { BlobArrival } from "./blob-arrival.ts";
import { BlobCache } from "./blob-cache.ts";
import { ColdFetches } from "./cold-fetches.ts";
import type { OriginBlob } from "./blob-fetch.ts";

const size = 1_000_000;
const { bytes, digest } = blobFixture(size);
const wrong = Buffer.alloc(size, 7);

const [good, evil, listed] = ["good.example", "evil.example", "listed.example"].map((registry) => ({
  ...{ registry, repository: "pond/fish" },
})) as [Repository, Repository, Repository];

/** A seeder's part for cold blobs. Registries give half of a blob, and the rest when they are let. */
async function open(
  t: TestContext,
  { pullBlobsMax = 10, place }: { pullBlobsMax?: number; place?: Repository } = {},
) {
  const logger = new MemoryLogger();
  const deps = { root: testFolder(t), clock: new ManualClock(), logger };
  const store = cleanUpOf(t).use(await DiskBlobStore.open(deps, t));
  const asked: string[] = [];
  const begun = Promise.withResolvers<undefined>();
  const rest = Promise.withResolvers<undefined>();
  const origin = {
    async *blob({ registry }: OriginBlob, { start, signal }: BlobOptions) {
      asked.push(`${registry} ${start}`);
      if (registry === "missing.example") throw new BlobNotFoundError(digest);
      const given = registry === evil.registry ? wrong : bytes;
      await abortable(begun.promise, signal);
      yield given.subarray(start, size / 2);
      await abortable(rest.promise, signal);
      if (registry === evil.registry) throw new UnavailableError("it stops");
      yield given.subarray(Math.max(start, size / 2));
    },
    describe: async () => ({ mediaType: "layer", digest, size }),
    lists: (registry: string) => registry === listed.registry,
  };
  const nothing = { [Symbol.dispose]: () => undefined };
  const room = { check: () => undefined, keep: () => nothing, hold: async () => undefined };
  const descriptor = { mediaType: "layer", digest, size };
  const find = () => place && { ...place, descriptor };
  const known = { touch: () => undefined, add: () => undefined, find };
  const offering = { add: () => undefined };
  const cache = cleanUpOf(t).use(
    new BlobCache({ store, origin, room, logger, offering, known, blobsMax: 10, pullBlobsMax }),
  );
  const given: string[] = [];
  const growing = { add: ({ registry }: BlobArrival) => void given.push(registry) };
  const fetches = cleanUpOf(t).use(
    new ColdFetches({ store, cache, origin, known, growing, logger }),
  );
  const ask = async (...from: Repository[]) =>
    fetches.fetch({ digest, size, mediaType: "layer", from }, t);
  const die = async () => {
    rest.resolve(undefined);
    while (cache.arrivalOf(digest)) await turn();
  };
  return { asked, given, cache, ask, begin: () => begun.resolve(undefined), die };
}

const arriving = { state: "arriving", size } as const;
const later = { name: "UnavailableError", retryAfterMs: 1000 };

test("what a registry gives is told to those who named it, and to nobody else before it is checked", async (t) => {
  const { asked, given, ask, begin, die } = await open(t);
  begin();
  assert.deepEqual(await ask(evil), arriving);
  await assert.rejects(ask(good), later);
  await assert.rejects(ask(), later);
  assert.deepEqual(await ask({ ...evil, repository: "another" }), arriving);
  assert.deepEqual(await ask(good, evil), arriving);
  await die();
  assert.deepEqual(await ask(good), arriving);
  await assert.rejects(ask(evil), later);
  assert.deepEqual(asked.slice(0, 2), ["evil.example 0", "good.example 0"]);
  assert.deepEqual(given, ["evil.example", "good.example"]);
});

test("who asks before another registry has begun is told as little of its bytes", async (t) => {
  const { asked, given, ask, begin } = await open(t);
  const first = ask(evil);
  while (asked.length === 0) await turn();
  const second = ask(good);
  const refused = assert.rejects(second, later);
  begin();
  assert.deepEqual(await first, arriving);
  await refused;
  assert.deepEqual(given, ["evil.example"]);
});

test("who names no registry is told of bytes of one that the seeder's configuration names", async (t) => {
  const { ask, begin } = await open(t);
  begin();
  assert.deepEqual(await ask(listed), arriving);
  assert.deepEqual(await ask(), arriving);
});

test("of a blob whose turn is yet to come at another registry nothing is promised", async (t) => {
  const { asked, cache, ask } = await open(t, { pullBlobsMax: 1 });
  const other = blobFixture(size, "other");
  const descriptor = { mediaType: "layer", digest: other.digest, size };
  const holding = cache.begin({ ...evil, descriptor }, t);
  holding.catch(() => undefined);
  while (asked.length === 0) await turn();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const first = ask(evil);
  for (let turns = 0; turns < 10; turns++) await turn();
  const second = ask(good);
  const refused = assert.rejects(second, later);
  for (let turns = 0; turns < 10; turns++) await turn();
  t.mock.timers.tick(100);
  assert.deepEqual(await first, arriving);
  for (let turns = 0; turns < 10; turns++) await turn();
  // Sooner than after a second: nodes would take that for a registry that is slow.
  t.mock.timers.tick(200);
  await refused;
});

test("a fetch of which one node is told nothing is given to peers as soon as another may be told", async (t) => {
  const { cache, given, ask, begin } = await open(t, { place: good });
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const refused = assert.rejects(ask(), later);
  begin();
  while (!cache.arrivalOf(digest)?.path) await turn();
  for (let turns = 0; turns < 10; turns++) await turn();
  t.mock.timers.tick(1200);
  await refused;
  assert.deepEqual(given, []);
  assert.deepEqual(await ask(good), arriving);
  assert.deepEqual(given, ["good.example"]);
  assert.deepEqual(await ask({ ...good, repository: "another" }), arriving);
  assert.deepEqual(given, ["good.example"]);
});

test("who asks while a registry is asked in vain that was named before has the blob from its own", async (t) => {
  const { asked, cache, ask, begin } = await open(t);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const missing = { ...good, registry: "missing.example" };
  const first = assert.rejects(ask(missing), { code: "not_found" });
  const second = ask(good);
  while (!cache.arrivalOf(digest) || asked.length < 2) await turn();
  t.mock.timers.tick(1100);
  begin();
  assert.deepEqual(await second, arriving);
  await first;
});

test("who names no registry waits for a blob that is soon whole", async (t) => {
  const { cache, ask, begin, die } = await open(t, { place: good });
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = ask();
  begin();
  while (!cache.arrivalOf(digest)?.path) await turn();
  t.mock.timers.tick(1100);
  await die();
  assert.deepEqual(await asked, { state: "whole", size });
});
