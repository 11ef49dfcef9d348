import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { testFolder } from "../../core/testing/test-folder.ts";
import { unifiedDiff } from "./unified-diff.ts";

const names = { before: "a", after: "b" };

test("unifiedDiff() of equal texts is empty", () => {
  assert.equal(unifiedDiff("x\n", "x\n", names), "");
});

test("unifiedDiff() shows changes with three lines around them", () => {
  const before = Array.from({ length: 30 }, (_, index) => `${index}\n`);
  const after = before.with(1, "one\n").toSpliced(20, 1);
  assert.equal(
    unifiedDiff(before.join(""), after.join(""), names),
    "--- a\n+++ b\n@@ -1,5 +1,5 @@\n 0\n-1\n+one\n 2\n 3\n 4\n" +
      "@@ -18,7 +18,6 @@\n 17\n 18\n 19\n-20\n 21\n 22\n 23\n",
  );
});

test("unifiedDiff() shows a new file, an emptied one, and a missing line break", () => {
  assert.equal(unifiedDiff("", "x\n", names), "--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n");
  assert.equal(unifiedDiff("x\n", "", names), "--- a\n+++ b\n@@ -1 +0,0 @@\n-x\n");
  assert.equal(
    unifiedDiff("x", "x\n", names),
    "--- a\n+++ b\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+x\n",
  );
});

test("unifiedDiff() of texts that share nothing stays within its bound", () => {
  const many = (word: string) => `${word}\n`.repeat(10_000);
  const lines = unifiedDiff(many("a"), many("b"), names).split("\n");
  assert.equal(lines.length, 20_004);
});

test("unifiedDiff() is what patch(1) takes to make one text of the other", async (t) => {
  const folder = testFolder(t);
  let seed = 3;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let round = 0; round < 20; round++) {
    const before = Array.from({ length: random(30) }, () => `${random(5)}\n`);
    const after = before.toSpliced(random(30), random(4), "new\n").toSpliced(random(30), random(3));
    const diff = unifiedDiff(before.join(""), after.join(""), names);
    if (diff === "") continue;
    await writeFile(join(folder, "a"), before.join(""));
    const patched = await patch(folder, diff);
    if (patched === undefined) {
      t.skip("no patch(1) here");
      return;
    }
    assert.equal(patched, after.join(""), diff);
  }
});

/** `undefined` when the program is not installed. */
function patch(folder: string, diff: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = execFile("patch", ["-s", "-o", "-", "a"], { cwd: folder }, (error, stdout) => {
      if (error?.code === ("ENOENT" as unknown)) resolve(undefined);
      else if (error) reject(new Error(error.message));
      else resolve(stdout);
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(diff);
  });
}
