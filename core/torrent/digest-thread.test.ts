import assert from "node:assert/strict";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { digestOf } from "../digest.ts";
import { DataLossError } from "../errors.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { testFolder } from "../testing/test-folder.ts";
import { DigestThread } from "./digest-thread.ts";

/** More than is hashed where it is asked for. */
const bytes = Buffer.alloc(17 * 1024 * 1024, "shoal ");

test("DigestThread hashes what is there, and the rest when it is", async (t) => {
  const { digests, path } = await openThread(t);
  const running = digests.start(path, bytes.length);

  for (const end of [0, 1, 9_000_000, 8_000_000, bytes.length]) running.advance(end);

  assert.equal(await running.result(), digestOf(bytes));
});

test("DigestThread starts no thread before there is something to hash", async (t) => {
  const { digests, path } = await openThread(t);
  const threads = countThreads(t);

  const running = digests.start(path, bytes.length);
  await turn();
  assert.equal(threads.started, 0);

  running.advance(bytes.length);
  assert.equal(await running.result(), digestOf(bytes));
  assert.equal(threads.started, 1);
});

test("DigestThread starts none for what was given up before", async (t) => {
  const { digests, path } = await openThread(t);
  const threads = countThreads(t);

  const running = digests.start(path, bytes.length);
  running[Symbol.dispose]();
  running.advance(bytes.length);

  await turn();
  assert.equal(threads.started, 0);
});

test("DigestThread tells of a file that is too short", async (t) => {
  const { digests, path } = await openThread(t);
  await truncate(path, 1_000_000);
  const running = digests.start(path, bytes.length);

  running.advance(bytes.length);

  await assert.rejects(running.result(), DataLossError);
});

async function openThread(t: TestContext) {
  const path = join(testFolder(t, "digest-thread"), "blob");
  await writeFile(path, bytes);
  const digests = cleanUpOf(t).use(new DigestThread());
  return { digests, path };
}

/** Counts the threads that this process starts from now on. */
function countThreads(t: TestContext): { readonly started: number } {
  const threads = { started: 0 };
  const onWorker = () => threads.started++;
  process.on("worker", onWorker);
  cleanUpOf(t).defer(() => process.off("worker", onWorker));
  return threads;
}
