import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { type Digest, digestOf } from "../../core/digest.ts";
import {
  BlobExistsError,
  BlobNotFoundError,
  BlobSizeError,
  DigestMismatchError,
  IngestNotFoundError,
  InvalidArgumentError,
  OffsetError,
  RefLockedError,
  StorageFullError,
} from "../../core/errors.ts";
import type { BlobRecord, Labels } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import { DiskBlobStore } from "../../core/store/disk-blob-store.ts";
import { SystemClock } from "../../core/system/system-clock.ts";
import { blobFixture } from "../../core/testing/blob-fixture.ts";
import { putBlob } from "../../core/testing/blob-store/sample-blobs.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import type { PulledBlob } from "../blob-fetcher.ts";
import {
  type IngestReply,
  type IngestRequest,
  IngestSession,
  type IngestSessionDeps,
} from "./ingest-session.ts";

const blob = blobFixture(1000);
const pullRef = `default/1/layer-${blob.digest}`;
const empty = digestOf(new Uint8Array());

/** A fetcher that says what a test wants, and notes what it was told. */
class ScriptedFetcher {
  readonly asked: PulledBlob[] = [];
  readonly committed: { readonly digest: Digest; readonly labels: Labels }[] = [];
  readonly told: { readonly record: BlobRecord; readonly kind: string }[] = [];
  readonly expected: Digest[] = [];
  obtains: boolean | "never" = false;
  failure: Error | undefined;
  /** Holds that were given and are not disposed of. */
  held = 0;

  async obtain(wanted: PulledBlob, { signal }: Cancellable): Promise<Disposable | undefined> {
    this.asked.push(wanted);
    if (this.obtains === true) this.held++;
    if (this.obtains === true) return { [Symbol.dispose]: () => this.held-- };
    if (this.obtains === false) return undefined;
    signal.throwIfAborted();
    return new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    });
  }

  async commit(digest: Digest, labels: Labels): Promise<BlobRecord> {
    if (this.failure) throw this.failure;
    this.committed.push({ digest, labels });
    const times = { createdAt: 5n, updatedAt: 5n };
    const state = { provenance: "pull", owned: true, whole: false } as const;
    return { digest, size: blob.bytes.length, ...times, labels, ...state };
  }

  expectCommit(digest: Digest): void {
    this.expected.push(digest);
  }

  written(record: BlobRecord, kind: PulledBlob["kind"]): void {
    this.told.push({ record, kind });
  }
}

interface World extends IngestSessionDeps {
  readonly store: DiskBlobStore;
  readonly fetcher: ScriptedFetcher;
}

async function openWorld(t: TestContext): Promise<World> {
  const root = testFolder(t, "session");
  const clock = new SystemClock();
  const deps = { root, clock, logger: new MemoryLogger() };
  const store = cleanUpOf(t).use(await DiskBlobStore.open(deps, t));
  return { store, clock, fetcher: new ScriptedFetcher() };
}

type Send = (
  action: IngestRequest["action"],
  request?: Partial<IngestRequest>,
) => Promise<IngestReply>;

/** A stream to send messages on. */
function stream(
  t: TestContext,
  world: World,
  ref: string,
): { readonly send: Send; readonly session: IngestSession } {
  const session = new IngestSession(world);
  const plain = { total: 0, expected: undefined, offset: 0, data: new Uint8Array(), labels: {} };
  const send: Send = (action, request) =>
    session.handle({ action, ref, ...plain, ...request }, { signal: t.signal });
  cleanUpOf(t).defer(() => session.close());
  return { send, session };
}

test("STAT, WRITE and COMMIT put a blob into the store", async (t) => {
  const world = await openWorld(t);
  const { send } = stream(t, world, "ref");
  const opened = await send("stat", { total: 1000 });
  assert.equal(opened.offset, 0);
  assert.equal(opened.total, 1000);
  assert.equal(opened.digest, empty);
  const half = await send("write", { data: blob.bytes.subarray(0, 500) });
  assert.equal(half.offset, 500);
  assert.equal(half.digest, digestOf(blob.bytes.subarray(0, 500)));
  assert.ok(half.updatedAt > opened.updatedAt);
  assert.equal(half.startedAt, opened.startedAt);
  const data = blob.bytes.subarray(500);
  const done = await send("commit", { offset: 500, data, labels: { a: "b" } });
  assert.equal(done.action, "commit");
  assert.equal(done.offset, 1000);
  assert.equal(done.digest, blob.digest);
  const record = world.store.find(blob.digest);
  assert.equal(record?.owned, true);
  assert.equal(record.provenance, "local");
  assert.deepEqual(record.labels, { a: "b" });
  assert.deepEqual(world.fetcher.told, []);
});

test("the first message needs a ref", async (t) => {
  const { send } = stream(t, await openWorld(t), "");
  await assert.rejects(send("stat"), InvalidArgumentError);
});

test("a ref is one stream's until it closes", async (t) => {
  const world = await openWorld(t);
  const first = stream(t, world, "ref");
  await first.send("stat");
  const second = stream(t, world, "ref");
  await assert.rejects(second.send("stat"), RefLockedError);
  await first.session.close();
  await stream(t, world, "ref").send("stat");
});

test("WRITE goes where the offset says, and nowhere else", async (t) => {
  const world = await openWorld(t);
  const { send } = stream(t, world, "ref");
  const data = blob.bytes.subarray(0, 10);
  await send("write", { data });
  for (const offset of [-1, 1, 9, 11, 2 ** 50]) {
    await assert.rejects(send("write", { offset, data }), OffsetError);
    await assert.rejects(send("commit", { offset }), OffsetError);
  }
  assert.equal((await send("write", { offset: 10 })).offset, 10);
  const over = await send("write", { offset: 0, data: data.subarray(0, 3) });
  assert.equal(over.offset, 3);
  assert.equal(over.digest, digestOf(data.subarray(0, 3)));
});

test("COMMIT at offset 0 without data means an empty blob, as in containerd", async (t) => {
  const { send } = stream(t, await openWorld(t), "ref");
  await send("write", { data: blob.bytes });
  assert.equal((await send("commit")).digest, empty);
});

test("a wrong size or digest at COMMIT keeps the ingest", async (t) => {
  const world = await openWorld(t);
  const offset = blob.bytes.length;
  for (const [wrong, error] of [
    [{ total: 999 }, BlobSizeError],
    [{ expected: empty }, DigestMismatchError],
  ] as const) {
    const { send, session } = stream(t, world, "ref");
    const { offset: before } = await send("stat");
    if (before === 0) await send("write", { data: blob.bytes });
    await assert.rejects(send("commit", { offset, ...wrong }), error);
    await session.close();
    assert.equal(world.store.ingestStatus("ref").offset, offset);
  }
  const { send } = stream(t, world, "ref");
  assert.equal((await send("commit", { offset, total: 1000 })).digest, blob.digest);
});

test("the total of the first message is checked at COMMIT", async (t) => {
  const { send } = stream(t, await openWorld(t), "ref");
  await send("stat", { total: 1001 });
  await send("write", { data: blob.bytes });
  await assert.rejects(send("commit", { offset: 1000 }), BlobSizeError);
});

test("what exists is told as soon as it is expected, and the ingest is gone", async (t) => {
  const world = await openWorld(t);
  await stream(t, world, "first").send("commit", { data: blob.bytes });
  const early = stream(t, world, "ref");
  await assert.rejects(early.send("stat", { expected: blob.digest }), BlobExistsError);
  const late = stream(t, world, "ref");
  await late.send("write", { data: blob.bytes.subarray(0, 10) });
  await assert.rejects(late.send("stat", { expected: blob.digest }), BlobExistsError);
  assert.throws(() => world.store.ingestStatus("ref"), IngestNotFoundError);
  const unexpected = stream(t, world, "ref");
  await assert.rejects(unexpected.send("commit", { data: blob.bytes }), BlobExistsError);
  assert.throws(() => world.store.ingestStatus("ref"), IngestNotFoundError);
});

test("an aborted ingest cannot go on", async (t) => {
  const world = await openWorld(t);
  const { send } = stream(t, world, "ref");
  await send("write", { data: blob.bytes });
  await world.store.abortIngest("ref");
  await assert.rejects(send("commit", { offset: 1000 }), IngestNotFoundError);
});

test("the second STAT of a pull asks the swarm, once, and a COMMIT without bytes follows", async (t) => {
  const world = await openWorld(t);
  world.fetcher.obtains = true;
  const { send } = stream(t, world, pullRef);
  const first = await send("stat", { total: 1000 });
  assert.equal(first.offset, 0);
  assert.deepEqual(world.fetcher.asked, []);
  const second = await send("stat");
  assert.equal(second.offset, 1000);
  assert.equal(second.digest, blob.digest);
  assert.equal(second.total, 1000);
  assert.ok(second.updatedAt > first.updatedAt);
  assert.equal((await send("stat")).offset, 1000);
  assert.deepEqual(world.fetcher.asked, [{ digest: blob.digest, kind: "layer", size: 1000 }]);
  const labels = { a: "b" };
  const done = await send("commit", { total: 1000, expected: blob.digest, labels });
  assert.equal(done.offset, 1000);
  assert.equal(done.digest, blob.digest);
  assert.deepEqual(world.fetcher.committed, [{ digest: blob.digest, labels }]);
  assert.throws(() => world.store.ingestStatus(pullRef), IngestNotFoundError);
  await stream(t, world, pullRef).send("stat");
});

test("COMMIT after a swarm's yes takes the offset of a resumed ingest", async (t) => {
  const world = await openWorld(t);
  const before = stream(t, world, pullRef);
  await before.send("stat", { total: 1000 });
  await before.send("write", { data: blob.bytes.subarray(0, 300) });
  await before.session.close();
  world.fetcher.obtains = true;
  const { send } = stream(t, world, pullRef);
  assert.equal((await send("stat", { total: 1000 })).offset, 300);
  assert.equal((await send("stat")).offset, 1000);
  assert.equal((await send("commit", { offset: 300, total: 1000 })).offset, 1000);
});

test("COMMIT after a swarm's yes refuses another size or digest", async (t) => {
  for (const [wrong, error] of [
    [{ total: 999 }, BlobSizeError],
    [{ expected: empty }, DigestMismatchError],
  ] as const) {
    const world = await openWorld(t);
    world.fetcher.obtains = true;
    const { send } = stream(t, world, pullRef);
    await send("stat", { total: 1000 });
    await send("stat");
    await assert.rejects(send("commit", wrong), error);
    assert.deepEqual(world.fetcher.committed, []);
    assert.equal(world.store.ingestStatus(pullRef).offset, 0);
  }
});

test("a blob that was lost after the swarm's yes, or came otherwise, is not committed", async (t) => {
  const world = await openWorld(t);
  world.fetcher.obtains = true;
  for (const [failure, kept] of [
    [new BlobNotFoundError(blob.digest), true],
    [new BlobExistsError(blob.digest), false],
  ] as const) {
    world.fetcher.failure = failure;
    const { send, session } = stream(t, world, pullRef);
    await send("stat", { total: 1000 });
    await send("stat");
    await assert.rejects(send("commit"), failure);
    await session.close();
    assert.equal([...world.store.ingests()].length, kept ? 1 : 0);
  }
});

test("an ingest that was aborted after the swarm's yes is not committed", async (t) => {
  const world = await openWorld(t);
  world.fetcher.obtains = true;
  const { send } = stream(t, world, pullRef);
  await send("stat", { total: 1000 });
  await send("stat");
  await world.store.abortIngest(pullRef);
  await assert.rejects(send("commit"), IngestNotFoundError);
  assert.deepEqual(world.fetcher.committed, []);
});

test("a swarm's no leaves the pull to containerd, and is final", async (t) => {
  const world = await openWorld(t);
  const { send } = stream(t, world, pullRef);
  for (let count = 0; count < 4; count++) {
    const { offset, digest } = await send("stat", { total: 1000 });
    assert.deepEqual({ offset, digest }, { offset: 0, digest: empty });
  }
  assert.equal(world.fetcher.asked.length, 1);
  await send("write", { data: blob.bytes });
  await send("stat");
  assert.equal(world.fetcher.asked.length, 1);
  await send("commit", { offset: 1000, expected: blob.digest });
  assert.equal(world.store.find(blob.digest)?.provenance, "pull");
  assert.equal(world.store.find(blob.digest)?.infoHash, blob.metainfo.infoHash);
  assert.deepEqual(
    world.fetcher.told.map(({ record, kind }) => [record.digest, kind]),
    [[blob.digest, "layer"]],
  );
});

test("bytes that come in spite of a swarm's yes are written", async (t) => {
  const world = await openWorld(t);
  world.fetcher.obtains = true;
  const { send } = stream(t, world, pullRef);
  await send("stat", { total: 1000 });
  await send("stat");
  assert.equal((await send("write", { data: blob.bytes.subarray(0, 10) })).offset, 10);
  assert.equal((await send("stat")).offset, 10);
  const rest = blob.bytes.subarray(10);
  assert.equal((await send("commit", { offset: 10, data: rest })).digest, blob.digest);
  assert.deepEqual(world.fetcher.committed, []);
  assert.equal(world.fetcher.asked.length, 1);
});

test("the swarm is not asked after bytes, without a size, for a whole ingest, or for no pull", async (t) => {
  const world = await openWorld(t);
  const withBytes = stream(t, world, pullRef);
  await withBytes.send("stat", { total: 1000 });
  await withBytes.send("write", { data: blob.bytes });
  await withBytes.send("stat");
  await withBytes.session.close();
  const whole = stream(t, world, pullRef);
  await whole.send("stat", { total: 1000 });
  assert.equal((await whole.send("stat")).offset, 1000);
  const unsized = stream(t, world, `default/1/layer-${empty}`);
  const upload = stream(t, world, "default/1/upload");
  for (const { send } of [unsized, unsized, upload, upload]) await send("stat");
  await upload.send("stat", { total: 1000 });
  await upload.send("stat", { total: 1000 });
  assert.deepEqual(world.fetcher.asked, []);
});

test("a pull whose bytes are others is not offered to the swarm", async (t) => {
  const world = await openWorld(t);
  const { send } = stream(t, world, pullRef);
  const data = blobFixture(1000, "other").bytes;
  const { digest } = await send("commit", { data });
  assert.equal(world.store.find(digest)?.provenance, "local");
  assert.deepEqual(world.fetcher.told, []);
});

test("the question to the swarm ends with the stream, and the ref is free", async (t) => {
  const world = await openWorld(t);
  world.fetcher.obtains = "never";
  const session = new IngestSession(world);
  const abort = new AbortController();
  const plain = { total: 1000, expected: undefined, offset: 0, data: new Uint8Array(), labels: {} };
  const stat = { action: "stat", ref: pullRef, ...plain } as const;
  await session.handle(stat, abort);
  const asking = session.handle(stat, abort);
  abort.abort();
  await assert.rejects(asking, { name: "AbortError" });
  await session.close();
  await session.close();
  await stream(t, world, pullRef).send("stat");
});

test("the manifests of an import are local, although their refs are those of a pull", async (t) => {
  const world = await openWorld(t);
  const config = Buffer.from("{}");
  await stream(t, world, "tar-config.json").send("commit", { data: config });
  const named = { mediaType: "x/y", digest: digestOf(config), size: config.length };
  const manifest = Buffer.from(JSON.stringify({ config: named, layers: [] }));
  const entry = { mediaType: "x/y", digest: digestOf(manifest), size: manifest.length };
  const index = Buffer.from(JSON.stringify({ manifests: [entry] }));
  for (const data of [manifest, index]) {
    const total = data.length;
    const { send } = stream(t, world, `default/1/manifest-${digestOf(data)}`);
    await send("stat", { total });
    await send("stat");
    await send("write", { data });
    await send("commit", { offset: total, total, expected: digestOf(data) });
    assert.equal(world.store.find(digestOf(data))?.provenance, "local");
  }
  assert.deepEqual(world.fetcher.told, []);
  assert.deepEqual(world.fetcher.expected, []);
});

test("the manifest of a pull comes before what it names, and is offered", async (t) => {
  const world = await openWorld(t);
  const named = { mediaType: "x/y", digest: digestOf(Buffer.from("{}")), size: 2 };
  const data = Buffer.from(JSON.stringify({ config: named, layers: [] }));
  const total = data.length;
  const { send } = stream(t, world, `default/1/manifest-${digestOf(data)}`);
  await send("stat", { total });
  await send("write", { data });
  await send("commit", { offset: total, total });
  assert.deepEqual(world.fetcher.expected, [digestOf(data)]);
  assert.deepEqual(
    world.fetcher.told.map(({ record }) => record.digest),
    [digestOf(data)],
  );
});

test("what the disk has no room to note is left to containerd", async (t) => {
  const { store, ...rest } = await openWorld(t);
  rest.fetcher.obtains = true;
  const full = new Proxy(store, {
    get: (target, name) => {
      if (name === "anticipate") return () => Promise.reject(new StorageFullError("full"));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  const { send } = stream(t, { store: full, ...rest }, pullRef);
  await send("stat", { total: 1000 });
  assert.equal((await send("stat")).offset, 0);
  assert.equal(rest.fetcher.held, 0);
});

test("what was obtained is held until the stream ends, however it ends", async (t) => {
  const world = await openWorld(t);
  world.fetcher.obtains = true;
  const { send, session } = stream(t, world, pullRef);
  await send("stat", { total: 1000 });
  await send("stat");
  assert.equal(world.fetcher.held, 1);
  await send("commit", { total: 1000, expected: blob.digest });
  assert.equal(world.fetcher.held, 1);
  await session.close();
  await session.close();
  assert.equal(world.fetcher.held, 0);

  const cancelled = stream(t, world, pullRef);
  await cancelled.send("stat", { total: 1000 });
  await cancelled.send("stat");
  await cancelled.session.close();
  assert.equal(world.fetcher.held, 0);
});

test("a stream whose ingest was aborted does nothing to the one that took its ref", async (t) => {
  const world = await openWorld(t);
  world.fetcher.obtains = true;
  const orphan = stream(t, world, pullRef);
  await orphan.send("stat", { total: 1000 });
  await orphan.send("stat");
  const other = stream(t, world, "other");
  await other.send("stat", { total: 0 });
  await world.store.abortIngest(pullRef);
  await world.store.abortIngest("other");
  for (const ref of [pullRef, "other"]) {
    await stream(t, world, ref).send("write", { data: blob.bytes.subarray(0, 500) });
  }
  await assert.rejects(orphan.send("commit", { total: 1000 }), IngestNotFoundError);
  await putBlob(world.store, blob.bytes);
  await assert.rejects(other.send("stat", { expected: blob.digest }), BlobExistsError);
  for (const ref of [pullRef, "other"]) assert.equal(world.store.ingestStatus(ref).offset, 500);
});
