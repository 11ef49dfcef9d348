import assert from "node:assert/strict";
import { readdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { InvalidArgumentError } from "../errors.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { testFolder } from "../testing/test-folder.ts";
import { RecordFolder } from "./record-folder.ts";

async function open(t: TestContext) {
  const root = testFolder(t, "records");
  const path = join(root, "records");
  const logger = new MemoryLogger();
  return { path, logger, reopen: () => RecordFolder.open({ path, logger }) };
}

async function recordsOf(folder: RecordFolder): Promise<Record<string, string>> {
  const entries: [string, string][] = [];
  for await (const { name, text } of folder.records()) entries.push([name, text]);
  return Object.fromEntries(entries);
}

test("records are there again after a restart, as they were put last", async (t) => {
  const { reopen } = await open(t);
  const folder = await reopen();
  await folder.put("one", "1");
  await folder.put("two", "2");
  await folder.put("one", "1 again");
  await folder.put("three", "3");
  await folder.remove("three");
  await folder.remove("never");
  assert.deepEqual(await recordsOf(await reopen()), { one: "1 again", two: "2" });
});

test("what was being written at a crash is swept, and what is no record is left alone", async (t) => {
  const { path, logger, reopen } = await open(t);
  const folder = await reopen();
  await folder.put("one", "1");
  await writeFile(join(path, "two.tmp"), "half");
  await writeFile(join(path, "a note"), "mine");
  await writeFile(join(path, "endless"), "");
  await truncate(join(path, "endless"), 1e9);
  assert.deepEqual(await recordsOf(await reopen()), { one: "1" });
  assert.deepEqual((await readdir(path)).sort(), ["a note", "endless", "one"]);
  assert.equal(logger.lines.length, 1);
});

test("a record that could not be read back is not taken, and leaves the one before", async (t) => {
  const folder = await (await open(t)).reopen();
  const longest = "é".repeat(512 * 1024);
  await folder.put("one", longest);
  await assert.rejects(folder.put("one", `${longest}.`), InvalidArgumentError);
  assert.deepEqual(await recordsOf(folder), { one: longest });
});

test("a name cannot lead out of the folder", async (t) => {
  const folder = await (await open(t)).reopen();
  for (const name of ["", "..", "../x", "a/b", "a\0", "x.tmp"]) {
    await assert.rejects(folder.put(name, ""), TypeError);
  }
});
