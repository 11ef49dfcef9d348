import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import type { Digest } from "../digest.ts";
import { BlobNotFoundError } from "../errors.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { testFolder } from "../testing/test-folder.ts";
import { DescriptorCache } from "./descriptor-cache.ts";

interface File {
  readonly digest: Digest;
  readonly path: string;
}

function makeFiles(t: TestContext, count: number): readonly [File, ...File[]] {
  const folder = testFolder(t, "descriptors");
  const make = (name: number): File => {
    const { digest, bytes } = blobFixture(10, String(name));
    const path = join(folder, String(name));
    writeFileSync(path, bytes);
    return { digest, path };
  };
  return [make(0), ...Array.from({ length: count - 1 }, (_, index) => make(index + 1))];
}

/** How many of the files are open in this process. */
function openCount(files: readonly File[]): number {
  const paths = new Set(files.map(({ path }) => path));
  return readdirSync("/proc/self/fd").filter((fd) => paths.has(targetOf(fd))).length;
}

function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}

/** Closing is left to the thread pool, so it is looked for until it has happened. */
async function untilOpen(count: number, files: readonly File[]): Promise<void> {
  while (openCount(files) > count) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(openCount(files), count);
}

test("peek() opens a file once", (t) => {
  const [file] = makeFiles(t, 1);
  const cache = new DescriptorCache();
  const { fd, size } = cache.peek(file.digest, file.path);
  assert.equal(size, 10);
  assert.equal(cache.peek(file.digest, file.path).fd, fd);
  cache[Symbol.dispose]();
});

test("peek() of a file that somebody took away is not found", (t) => {
  const [file] = makeFiles(t, 1);
  rmSync(file.path);
  assert.equal(existsSync(file.path), false);
  const cache = new DescriptorCache();
  assert.throws(() => cache.peek(file.digest, file.path), BlobNotFoundError);
});

test("forget() closes a file once its last reader is done", async (t) => {
  const [file] = makeFiles(t, 1);
  const cache = new DescriptorCache();
  const one = cache.acquire(file.digest, file.path);
  const two = cache.acquire(file.digest, file.path);
  cache.forget(file.digest);
  await one[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
  assert.equal(openCount([file]), 1);
  await two[Symbol.asyncDispose]();
  await untilOpen(0, [file]);
});

test("dispose closes what nobody reads", async (t) => {
  const files = makeFiles(t, 3);
  const cache = new DescriptorCache();
  for (const { digest, path } of files) cache.peek(digest, path);
  assert.equal(openCount(files), 3);
  cache[Symbol.dispose]();
  await untilOpen(0, files);
});

test("not more than 256 files stay open", async (t) => {
  const files = makeFiles(t, 300);
  const cache = new DescriptorCache();
  for (const { digest, path } of files) cache.peek(digest, path);
  await untilOpen(256, files);
  cache[Symbol.dispose]();
});

test("a file that nobody reads is closed after a while", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const [idle, read] = makeFiles(t, 2);
  assert.ok(read);
  const cache = new DescriptorCache();
  cache.peek(idle.digest, idle.path);
  for (let round = 0; round < 3; round++) {
    cache.peek(read.digest, read.path);
    t.mock.timers.tick(30_000);
  }
  await untilOpen(0, [idle]);
  assert.equal(openCount([read]), 1);
  cache[Symbol.dispose]();
});
