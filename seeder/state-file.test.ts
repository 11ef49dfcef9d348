import assert from "node:assert/strict";
import { readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { StateFile } from "./state-file.ts";

test("replace() writes one text after the other, and leaves out those that are outdated", async (t) => {
  const folder = testFolder(t);
  const path = join(folder, "state");
  const logger = new MemoryLogger();
  const file = new StateFile({ path, logger });
  assert.equal(await file.read(), "");
  let rendered = 0;
  const replaced = Array.from({ length: 20 }, () => file.replace(() => `text ${++rendered}`));
  await Promise.all(replaced);
  await file.replace(() => "last");
  assert.ok(rendered < 3);
  assert.equal(await file.read(), "last");
  assert.equal(await readFile(path, "utf8"), "last");
  assert.deepEqual(await readdir(folder), ["state"]);
  assert.deepEqual(logger.lines, []);
});

test("a file that cannot be read or written is logged, and harms nothing", async (t) => {
  const folder = testFolder(t);
  const logger = new MemoryLogger();
  const file = new StateFile({ path: folder, logger });
  assert.equal(await file.read(), "");
  await rm(folder, { recursive: true });
  await new StateFile({ path: join(folder, "state"), logger }).replace(() => "text");
  assert.deepEqual(
    logger.lines.map(({ level, fields }) => [level, fields["code"]]),
    [
      ["warn", "EISDIR"],
      ["warn", "ENOENT"],
    ],
  );
});
