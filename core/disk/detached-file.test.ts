import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { testFolder } from "../testing/test-folder.ts";
import { detachFile } from "./detached-file.ts";

async function folderFor(t: TestContext): Promise<string> {
  const folder = testFolder(t, "detached");
  return folder;
}

/** Whether this process holds a file that is deleted. */
async function holdsDeleted(path: string): Promise<boolean> {
  const descriptors = await readdir("/proc/self/fd");
  const links = descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ""));
  return (await Promise.all(links)).includes(`${path} (deleted)`);
}

test("a detached file is out of its folder at once, its space is free when told", async (t) => {
  const path = join(await folderFor(t), "blob");
  await writeFile(path, "bytes");
  const detached = await detachFile(path);
  assert.equal(existsSync(path), false);
  assert.equal(await holdsDeleted(path), true);
  await detached.free();
  await detached.free();
  assert.equal(await holdsDeleted(path), false);
});

test("a file that is not there is as good as detached", async (t) => {
  const detached = await detachFile(join(await folderFor(t), "none"));
  await detached.free();
});

test("what cannot be deleted is told, and not held", async (t) => {
  const path = join(await folderFor(t), "folder");
  await mkdir(path);
  await assert.rejects(detachFile(path));
  assert.equal(existsSync(path), true);
});
