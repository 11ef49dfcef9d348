import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { RecordFolder } from "../../core/disk/record-folder.ts";
import { StorageFullError, UnavailableError } from "../../core/errors.ts";
import { blobFixture } from "../../core/testing/blob-fixture.ts";
import { ManualClock } from "../../core/testing/manual-clock.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import { temporaryFolder } from "../open-test-seeder.test-support.ts";
import type { TagPush } from "./push-record.ts";
import { PushQueue } from "./push-queue.ts";
import { WriteThrough } from "./write-through.ts";

const push: TagPush = {
  ...{ kind: "tag", registry: "r.example", repository: "pond/fish", tag: "1" },
  descriptor: { mediaType: "manifest", digest: blobFixture(10).digest, size: 10 },
};

async function open(t: TestContext) {
  const logger = new MemoryLogger();
  const path = join(await temporaryFolder(t), "pushes");
  const folder = await RecordFolder.open({ path, logger });
  const reopen = () => PushQueue.open({ folder, pushesMax: 10, clock: new ManualClock(), logger });
  return { folder, reopen, queue: await reopen() };
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

test("a push that cannot be given up is tried again", async (t) => {
  const { queue, folder } = await open(t);
  await queue.add(push);
  folder.remove = () => Promise.reject(new StorageFullError("Cannot delete the record"));
  const nobody = () => Promise.reject(new UnavailableError("Nobody should ask"));
  const writer = { writeBlob: nobody, writeManifest: nobody, mountBlob: nobody };
  const writeThrough = new WriteThrough({
    ...{ queue, writesMax: 1, random: () => 0, clock: new ManualClock() },
    writer: { ...writer, blobSize: nobody, hasManifest: nobody },
    store: { find: () => undefined, read: () => assert.fail() },
    known: { find: () => undefined },
    tags: { note: nobody, withdraw: nobody },
    logger: new MemoryLogger(),
  });
  const [waiting] = queue.all();
  assert.ok(waiting);
  await assert.rejects(writeThrough.giveUp(waiting), StorageFullError);
  assert.equal(waiting.notBeforeMs, 0);
});
