import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { CacheBudget } from "../core/blob-life/cache-budget.ts";
import { Credential } from "../core/credential.ts";
import { type Digest, digestOf } from "../core/digest.ts";
import {
  AccessDeniedError,
  BlobNotFoundError,
  DigestMismatchError,
  RefLockedError,
  StorageFullError,
  UnavailableError,
} from "../core/errors.ts";
import type { BlobRecord } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Authorization, Origin, OriginOptions } from "../core/ports/origin.ts";
import { DiskBlobStore } from "../core/store/disk-blob-store.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { ManualClock } from "../core/testing/manual-clock.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { BlobCache } from "./blob-cache.ts";
import type { OriginBlob } from "./blob-fetch.ts";
import { BlobRoom } from "./blob-room.ts";
import { KnownBlobs } from "./known-blobs.ts";
import { StateFile } from "./state-file.ts";

/** An origin whose blobs come as a test lets them. */
class GatedOrigin implements Pick<Origin, "blob"> {
  readonly bytes = new Map<Digest, Buffer>();
  /** Repository, and offset that was asked for. */
  readonly asked: string[] = [];
  readonly #gates = new Map<Digest, PromiseWithResolvers<undefined>>();
  readonly #waiting = new Map<Digest, PromiseWithResolvers<undefined>>();
  ended = 0;
  /** Whom it refuses. */
  refused: Credential | undefined;

  /** From now on the second half of a blob waits; resolves when somebody waits for it. */
  hold(digest: Digest): Promise<undefined> {
    this.#gates.set(digest, Promise.withResolvers());
    this.#waiting.set(digest, Promise.withResolvers());
    return this.#waiting.get(digest)?.promise ?? Promise.reject(new Error("no gate"));
  }

  release(digest: Digest): void {
    this.#gates.get(digest)?.resolve(undefined);
    this.#gates.delete(digest);
  }

  async *blob(
    { repository, descriptor: { digest, size } }: OriginBlob,
    { start, authorization, signal }: OriginOptions & { readonly start: number },
  ): AsyncGenerator<Uint8Array, void> {
    this.asked.push(`${repository} ${start}`);
    try {
      if (this.refused && authorization === this.refused) throw new AccessDeniedError("refused");
      const bytes = this.bytes.get(digest);
      if (!bytes || repository === "none") throw new BlobNotFoundError(digest);
      const half = size >> 1;
      if (start < half) yield bytes.subarray(start, half);
      const gate = this.#gates.get(digest);
      this.#waiting.get(digest)?.resolve(undefined);
      if (gate) await Promise.race([gate.promise, aborted(signal)]);
      yield bytes.subarray(Math.max(start, half));
    } finally {
      this.ended++;
    }
  }
}

async function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
  );
}

async function open(t: TestContext, { budgetBytes = 1000, blobsMax = 10 } = {}) {
  const root = testFolder(t);
  const logger = new MemoryLogger();
  const clock = new ManualClock();
  const store = cleanUpOf(t).use(await DiskBlobStore.open({ root, clock, logger }, t));
  const origin = new GatedOrigin();
  const offered: Digest[] = [];
  const offering = {
    add: ({ digest }: BlobRecord) => void offered.push(digest),
    withdraw: (digest: Digest) => void offered.splice(offered.indexOf(digest), 1),
  };
  const known = await KnownBlobs.open({
    file: new StateFile({ path: `${root}/known`, logger }),
    clock,
  });
  const kept = new Set<Digest>();
  const lastUseOf = (record: BlobRecord) => known.lastUseOf(record);
  const rule = { budgetBytes, lastUseOf, isKept: ({ digest }: BlobRecord) => kept.has(digest) };
  const budget = new CacheBudget({ store, offering, logger, rule });
  const room = new BlobRoom({ store, budget, budgetBytes, noteUses: () => undefined });
  const limits = { blobsMax, pullBlobsMax: 10 };
  const cache = cleanUpOf(t).use(
    new BlobCache({ store, origin, offering, room, known, ...limits, logger }),
  );
  /** A blob that the origin has. */
  const add = (size: number, seed: string, repository = "pond/fish"): OriginBlob => {
    const { bytes, digest } = blobFixture(size, seed);
    origin.bytes.set(digest, bytes);
    const descriptor = { mediaType: "layer", digest, size };
    const blob = { registry: "a.example", repository, descriptor };
    known.add(blob);
    return blob;
  };
  const obtain = async (blob: OriginBlob, { signal }: Cancellable = t) => {
    clock.advance(1000);
    return cache.obtain(blob, { onBytes: () => undefined, signal });
  };
  const here = () => [...store.records()].map(({ digest }) => digest).sort();
  return { store, origin, offered, known, kept, room, cache, logger, add, obtain, here };
}

function digestsOf(...blobs: OriginBlob[]): Digest[] {
  return blobs.map(({ descriptor }) => descriptor.digest).sort();
}

test("obtain() fetches a blob once, whoever asks, and tells everybody how far it is", async (t) => {
  const { origin, offered, cache, add, obtain } = await open(t);
  const blob = add(100, "a");
  const { digest } = blob.descriptor;
  const held = origin.hold(digest);
  const first = obtain(blob);
  await held;
  const told: number[] = [];
  const second = cache.obtain(blob, { onBytes: (bytes) => told.push(bytes), signal: t.signal });
  assert.deepEqual(
    [...cache.underWay()],
    [{ digest, registry: "a.example", bytes: 50, size: 100 }],
  );
  origin.release(digest);
  assert.deepEqual(await first, await second);
  await obtain(blob);
  assert.deepEqual(told, [50, 100]);
  assert.deepEqual(origin.asked, ["pond/fish 0"]);
  assert.deepEqual(offered, [digest]);
  assert.equal(cache.originBytes, 100);
  assert.deepEqual([...cache.underWay()], []);
});

test("a fetch goes on while one wants it, and ends with the last; its half is resumed", async (t) => {
  const { origin, cache, store, add, obtain } = await open(t);
  const blob = add(100, "a");
  const { digest } = blob.descriptor;
  const held = origin.hold(digest);
  const [one, other] = [new AbortController(), new AbortController()];
  const first = obtain(blob, one);
  await held;
  const second = obtain(blob, other);
  one.abort();
  await assert.rejects(first, { name: "AbortError" });
  assert.equal(origin.ended, 0);
  other.abort();
  await assert.rejects(second, { name: "AbortError" });
  // Who comes while it ends gets a fetch of his own, and not its end.
  origin.release(digest);
  assert.equal((await obtain(blob)).whole, true);
  assert.deepEqual(origin.asked, ["pond/fish 0", "pond/fish 50"]);
  assert.equal(cache.originBytes, 100);
  assert.deepEqual([...store.ingests()], []);
});

test("obtain() tries its own repository when the fetch that it joined cannot have the blob", async (t) => {
  const { origin, add, obtain } = await open(t);
  const blob = add(100, "a");
  const foreign = obtain({ ...blob, repository: "none" });
  const own = obtain(blob);
  await assert.rejects(foreign, BlobNotFoundError);
  assert.equal((await own).whole, true);
  assert.deepEqual(origin.asked, ["none 0", "pond/fish 0"]);
});

test("bytes that are not the digest's are not kept, and the next try starts anew", async (t) => {
  const { origin, store, logger, add, obtain, here } = await open(t);
  const blob = add(100, "a");
  const good = origin.bytes.get(blob.descriptor.digest) ?? Buffer.alloc(0);
  origin.bytes.set(blob.descriptor.digest, Buffer.alloc(100));
  await assert.rejects(obtain(blob), DigestMismatchError);
  origin.bytes.set(blob.descriptor.digest, good.subarray(0, 99));
  await assert.rejects(obtain(blob), { name: "BlobSizeError" });
  assert.deepEqual(here(), []);
  assert.deepEqual([...store.ingests()], []);
  assert.equal(logger.lines.filter(({ level }) => level === "warn").length, 2);
  origin.bytes.set(blob.descriptor.digest, good);
  assert.equal((await obtain(blob)).whole, true);
});

test("a blob of no bytes is a blob", async (t) => {
  const { origin, add, obtain, here } = await open(t);
  const nothing = Buffer.alloc(0);
  const digest = digestOf(nothing);
  origin.bytes.set(digest, nothing);
  const blob = { ...add(1, "a"), descriptor: { mediaType: "layer", digest, size: 0 } };
  assert.equal((await obtain(blob)).size, 0);
  assert.deepEqual(here(), digestsOf(blob));
});

test("the least recently used blobs leave for a new one, and it is no more offered", async (t) => {
  const { offered, add, obtain, here } = await open(t, { budgetBytes: 300 });
  const [a, b, c, d] = [add(100, "a"), add(100, "b"), add(100, "c"), add(100, "d")];
  for (const blob of [a, b, c]) await obtain(blob);
  await obtain(a);
  await obtain(d);
  assert.deepEqual(here(), digestsOf(a, c, d));
  assert.deepEqual(offered.sort(), digestsOf(a, c, d));
  await obtain(b);
  assert.deepEqual(here(), digestsOf(a, b, d));
});

test("blobs under way count against the budget before they are here", async (t) => {
  const { origin, store, add, obtain, here } = await open(t, { budgetBytes: 300 });
  const old = [add(100, "a"), add(100, "b"), add(100, "c")];
  for (const blob of old) await obtain(blob);
  const coming = [add(100, "d"), add(100, "e"), add(100, "f")];
  const held = coming.map(({ descriptor }) => origin.hold(descriptor.digest));
  const obtained = coming.map((blob) => obtain(blob));
  await Promise.all(held);
  assert.deepEqual([...store.records()], []);
  for (const { descriptor } of coming) origin.release(descriptor.digest);
  await Promise.all(obtained);
  assert.deepEqual(here(), digestsOf(...coming));
});

test("a blob that has no room is refused; where it is too large nothing is asked for", async (t) => {
  const { origin, kept, add, obtain, here } = await open(t, { budgetBytes: 300 });
  await assert.rejects(obtain(add(301, "large")), StorageFullError);
  assert.deepEqual(origin.asked, []);
  const pinned = add(250, "pinned");
  await obtain(pinned);
  kept.add(pinned.descriptor.digest);
  const small = add(50, "small");
  await obtain(small);
  await assert.rejects(obtain(add(51, "other")), StorageFullError);
  assert.deepEqual(here(), digestsOf(pinned));
  await obtain(small);
  assert.deepEqual(here(), digestsOf(pinned, small));
});

test("nothing leaves for a blob before its origin gives bytes of it", async (t) => {
  const { origin, add, obtain, here } = await open(t, { budgetBytes: 300 });
  const old = [add(100, "a"), add(100, "b"), add(100, "c")];
  for (const blob of old) await obtain(blob);
  await assert.rejects(obtain(add(300, "claimed", "none")), BlobNotFoundError);
  origin.refused = new Credential("Basic eDp5");
  const refused = { ...add(300, "refused"), authorization: origin.refused };
  await assert.rejects(obtain(refused), AccessDeniedError);
  assert.deepEqual(here(), digestsOf(...old));
});

test("halves that nobody came back for count, and leave before whole blobs do", async (t) => {
  const { origin, store, cache, add, obtain, here } = await open(t, { budgetBytes: 300 });
  const whole = add(100, "whole");
  await obtain(whole);
  for (const seed of ["older", "newer"]) {
    const half = add(100, seed);
    const held = origin.hold(half.descriptor.digest);
    const leaving = new AbortController();
    const obtained = obtain(half, leaving);
    await held;
    leaving.abort();
    await assert.rejects(obtained, { name: "AbortError" });
    while ([...cache.underWay()].length > 0) await turn();
  }
  await obtain(add(150, "new"));
  assert.equal([...store.ingests()].length, 1);
  assert.ok(here().includes(whole.descriptor.digest));
  await obtain(add(50, "newest"));
  assert.equal([...store.ingests()].length, 0);
  assert.equal(here().length, 3);
});

test("where the disk is full the half is thrown away, and the next try has the room", async (t) => {
  const { store, origin, known, room, logger, add } = await open(t);
  const blob = add(100, "a");
  let isFull = true;
  const cache = new BlobCache({
    ...{ origin, room, known, logger, offering: { add: () => undefined } },
    ...{ blobsMax: 1, pullBlobsMax: 1 },
    store: {
      find: (digest) => store.find(digest),
      abortIngest: (ref) => store.abortIngest(ref),
      openIngest: async (ref, options) => {
        const ingest = await store.openIngest(ref, options);
        const write = ingest.write.bind(ingest);
        ingest.write = async (chunk) => {
          if (isFull && ingest.status.offset > 0) throw new StorageFullError("Cannot write: full");
          await write(chunk);
        };
        return ingest;
      },
    },
  });
  const options = { onBytes: () => undefined, signal: t.signal };
  await assert.rejects(cache.obtain(blob, options), StorageFullError);
  assert.deepEqual([...store.ingests()], []);
  isFull = false;
  assert.equal((await cache.obtain(blob, options)).whole, true);
});

test("a registry that hangs holds up no other", async (t) => {
  const { origin, add, obtain } = await open(t, { blobsMax: 1 });
  const stuck = add(100, "stuck");
  const held = origin.hold(stuck.descriptor.digest);
  const hanging = obtain(stuck);
  hanging.catch(() => undefined);
  await held;
  const next = obtain(add(100, "behind it"));
  next.catch(() => undefined);
  const other = { ...add(100, "other"), registry: "b.example" };
  assert.equal((await obtain(other)).whole, true);
  assert.equal(origin.asked.length, 2);
});

test("a cache that is disposed of ends its fetches, and starts none", async (t) => {
  const { origin, cache, add, obtain } = await open(t);
  const blob = add(100, "a");
  const held = origin.hold(blob.descriptor.digest);
  const obtained = obtain(blob);
  obtained.catch(() => undefined);
  await held;
  await cache[Symbol.asyncDispose]();
  await assert.rejects(obtained, UnavailableError);
  assert.equal(origin.ended, 1);
});

test("a pull does not wait for the blobs of preheats, nor in their queue", async (t) => {
  const { origin, cache, add, obtain } = await open(t, { blobsMax: 1 });
  const [large, queued, other] = [add(100, "large"), add(100, "queued"), add(100, "other")];
  const held = origin.hold(large.descriptor.digest);
  const preheated = obtain(large);
  await held;
  const waiting = obtain(queued);
  assert.equal(cache.isQueued(queued.descriptor.digest), true);
  for (const blob of [queued, other]) {
    const begun = await cache.begin(blob, t);
    if ("arrival" in begun) begun[Symbol.dispose]();
  }
  assert.equal((await waiting).whole, true);
  assert.equal((await obtain(other)).whole, true);
  assert.equal(cache.isQueued(large.descriptor.digest), false);
  origin.release(large.descriptor.digest);
  await preheated;
  assert.deepEqual(origin.asked.length, 3);
});

test("a refusal is the answer to whose right it was, and to nobody who joined", async (t) => {
  const { origin, cache, add, obtain } = await open(t);
  const blob = add(100, "a");
  const authorization = new Credential("Basic eDp5");
  origin.refused = authorization;
  const begin = async (right: Authorization | undefined) =>
    cache.begin({ ...blob, authorization: right }, t).then(
      (begun) => ("arrival" in begun ? begun[Symbol.dispose]() : undefined),
      (error: unknown) => error,
    );
  const answers = await Promise.all(
    [authorization, new Credential("Basic eDp5"), new Credential("Basic eDp6"), undefined].map(
      begin,
    ),
  );
  assert.deepEqual(
    answers.map((answer) => answer instanceof AccessDeniedError),
    [true, true, false, false],
  );
  assert.equal((await obtain(blob)).whole, true);
});

test("a wrong word on the size of a blob is no answer to who knows better", async (t) => {
  const { cache, add, obtain } = await open(t);
  const blob = add(100, "a");
  const wrong = { ...blob, descriptor: { ...blob.descriptor, size: 99 } };
  const misled = cache.begin(wrong, t).then(
    (begun) => ("arrival" in begun ? begun[Symbol.dispose]() : undefined),
    () => undefined,
  );
  assert.equal((await obtain(blob)).size, 100);
  await misled;
});

test("a half that the store still reads again after a restart is waited for", async (t) => {
  const { store, origin, known, room, logger, add } = await open(t);
  const blob = add(100, "a");
  let locked = 2;
  const cache = new BlobCache({
    ...{ origin, room, known, logger, offering: { add: () => undefined } },
    ...{ blobsMax: 1, pullBlobsMax: 1 },
    store: {
      find: (digest) => store.find(digest),
      abortIngest: async (ref) => store.abortIngest(ref),
      openIngest: async (ref, options) => {
        if (locked-- > 0) throw new RefLockedError(ref);
        return store.openIngest(ref, options);
      },
    },
  });
  const options = { onBytes: () => undefined, signal: t.signal };
  assert.equal((await cache.obtain(blob, options)).whole, true);
});
