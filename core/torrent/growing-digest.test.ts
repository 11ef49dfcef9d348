import assert from "node:assert/strict";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { digestOf } from "../digest.ts";
import { DataLossError } from "../errors.ts";
import { testFolder } from "../testing/test-folder.ts";
import { startGrowingDigest } from "./growing-digest.ts";

const bytes = Buffer.alloc(3_000_000, "shoal ");

test("startGrowingDigest() hashes what is there, and the rest when it is", async (t) => {
  const path = await writtenFile(t);
  const running = startGrowingDigest(path, bytes.length);

  for (const end of [0, 1, 700_000, 600_000, 2_999_999, bytes.length]) running.advance(end);

  assert.equal(await running.result(), digestOf(bytes));
});

test("startGrowingDigest() tells of a file that is too short", async (t) => {
  const path = await writtenFile(t);
  await truncate(path, 1_000_000);
  const running = startGrowingDigest(path, bytes.length);

  running.advance(bytes.length);

  await assert.rejects(running.result(), DataLossError);
});

async function writtenFile(t: TestContext): Promise<string> {
  const directory = testFolder(t, "growing-digest");
  const path = join(directory, "blob");
  await writeFile(path, bytes);
  return path;
}
