import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { cleanUpOf } from "./clean-up.ts";
import { testFolder } from "./test-folder.ts";

test("a folder outlives the one who writes there, and is gone with the test", async (t) => {
  const folders: string[] = [];
  await t.test("a test with two folders", (inner) => {
    folders.push(testFolder(inner, "a"), testFolder(inner, "a"));
    for (const folder of folders) {
      assert.deepEqual(readdirSync(folder), []);
      cleanUpOf(inner).defer(() => {
        mkdirSync(join(folder, "deep"));
        writeFileSync(join(folder, "deep", "file"), "written while the test is cleaned up");
      });
    }
  });
  assert.equal(new Set(folders).size, 2);
  assert.ok(!folders.some((folder) => existsSync(folder)));
});
