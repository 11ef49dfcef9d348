import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { testFolder } from "../testing/test-folder.ts";
import { tellsFileTypes } from "./file-types.ts";

test("file systems of today tell the types of files", async (t) => {
  const folder = testFolder(t, "types");
  for (let index = 0; index < 200; index++) writeFileSync(join(folder, `file-${index}`), "");
  assert.equal(await tellsFileTypes(folder), true);
  assert.equal(await tellsFileTypes("/proc"), true);
});

test("what is no folder is refused", async (t) => {
  const file = join(testFolder(t, "types"), "file");
  writeFileSync(file, "");
  await assert.rejects(tellsFileTypes(file), { code: "ENOTDIR" });
});
