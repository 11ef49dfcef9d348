import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { RecordFolder } from "../../core/disk/record-folder.ts";
import { StorageFullError, UnavailableError } from "../../core/errors.ts";
import { blobFixture } from "../../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { ManualClock } from "../../core/testing/manual-clock.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import type { ManifestPush, TagPush } from "./push-record.ts";
import { PushQueue } from "./push-queue.ts";
import { WriteThrough, type WriteThroughDeps } from "./write-through.ts";

const { bytes, digest } = blobFixture(10);
const push: TagPush = {
  ...{ kind: "tag", registry: "r.example", repository: "pond/fish", tag: "1" },
  descriptor: { mediaType: "manifest", digest, size: 10 },
};

async function open(t: TestContext) {
  const logger = new MemoryLogger();
  const path = join(testFolder(t), "pushes");
  const folder = await RecordFolder.open({ path, logger });
  const reopen = () => PushQueue.open({ folder, pushesMax: 10, clock: new ManualClock(), logger });
  return { folder, reopen, queue: await reopen() };
}

const nobody = () => Promise.reject(new UnavailableError("Nobody should ask"));

/** To a registry that takes manifests. */
function writeThroughOf(queue: PushQueue, note: WriteThroughDeps["tags"]["note"]): WriteThrough {
  const writeManifest = () => Promise.resolve();
  const writer = { writeManifest, writeBlob: nobody, mountBlob: nobody, blobSize: nobody };
  const origin = { provenance: "pull", owned: false, createdAt: 0n, updatedAt: 0n } as const;
  const record = { ...origin, digest, size: bytes.length, whole: true, labels: {} };
  return new WriteThrough({
    ...{ queue, writesMax: 1, random: () => 0, clock: new ManualClock() },
    writer: { ...writer, hasManifest: nobody },
    store: {
      find: () => record,
      async *read() {
        yield bytes;
      },
    },
    known: { find: () => undefined },
    tags: { note, withdraw: nobody },
    logger: new MemoryLogger(),
  });
}

test("who takes a push out does not take out the same that was pushed again", async (t) => {
  const { queue, reopen } = await open(t);
  await queue.add(push);
  const [before] = queue.all();
  assert.ok(before);
  before.notBeforeMs = Infinity;
  await queue.add(push);
  assert.equal(await queue.remove(before), false);
  const [again] = queue.all();
  assert.equal(again?.notBeforeMs, 0);
  assert.deepEqual((await reopen()).tag(push, "1"), push);
  assert.equal(await queue.remove(again), true);
  assert.equal(queue.holds(push.descriptor.digest), false);
  assert.equal((await reopen()).size, 0);
});

test("a manifest that is given up while it is pushed again with a tag stays with it", async (t) => {
  const { queue, folder, reopen } = await open(t);
  const { tag, ...rest } = push;
  const manifest: ManifestPush = { ...rest, kind: "manifest", blobs: [], manifests: [] };
  await queue.add(manifest);
  const put = folder.put.bind(folder);
  const [reached, released] = [
    Promise.withResolvers<undefined>(),
    Promise.withResolvers<undefined>(),
  ];
  folder.put = async (name, text) => {
    reached.resolve(undefined);
    await released.promise;
    await put(name, text);
  };
  const adding = queue.add(manifest, { ...push, tag });
  await reached.promise;
  // What whoever gives it up finds: the manifest as it was pushed last, and no tag.
  const [waiting] = queue.all();
  assert.ok(waiting && queue.tagsFor(manifest).length === 0);
  const givingUp = writeThroughOf(queue, nobody).giveUp(waiting);
  released.resolve(undefined);
  await Promise.all([adding, givingUp]);
  const kinds = (of: PushQueue) => [...of.all()].map((one) => [one.push.kind, one.notBeforeMs]);
  const both = [
    ["manifest", 0],
    ["tag", 0],
  ];
  assert.deepEqual(kinds(queue), both);
  assert.deepEqual(kinds(await reopen()), both);
  for (const one of queue.all()) one.notBeforeMs = Infinity;
  for (const one of [...queue.tagsFor(manifest), waiting]) {
    await writeThroughOf(queue, nobody).giveUp(one);
  }
  assert.equal(queue.size, 0);
});

test("a push that cannot be given up is tried again", async (t) => {
  const { queue, folder } = await open(t);
  await queue.add(push);
  folder.remove = () => Promise.reject(new StorageFullError("Cannot delete the record"));
  const writeThrough = writeThroughOf(queue, nobody);
  const [waiting] = queue.all();
  assert.ok(waiting);
  await assert.rejects(writeThrough.giveUp(waiting), StorageFullError);
  assert.equal(waiting.notBeforeMs, 0);
});

test("a tag that is pushed again while it arrives does not stay pushed", async (t) => {
  const { queue } = await open(t);
  await queue.add(push);
  const noted: string[] = [];
  const writeThrough = writeThroughOf(queue, async (_reference, _descriptor, source) => {
    noted.push(source);
    if (noted.length > 1) return;
    await queue.add(push);
    noted.push("pushed");
  });
  cleanUpOf(t).use(writeThrough);
  writeThrough.start();
  while (queue.size > 0) await queue.news.changed(t.signal);
  assert.deepEqual(noted, ["registry", "pushed", "registry"]);
});

test("a tag that is out of the queue stays so after a power cut", async (t) => {
  const { queue, folder } = await open(t);
  await queue.add(push);
  const steps: string[] = [];
  const [remove, sync] = [folder.remove.bind(folder), folder.sync.bind(folder)];
  folder.remove = async (name) => remove(name).then(() => void steps.push("removed"));
  folder.sync = async () => sync().then(() => void steps.push("synced"));
  const [waiting] = queue.all();
  assert.ok(waiting && (await queue.remove(waiting)));
  assert.deepEqual(steps, ["removed", "synced"]);
});
