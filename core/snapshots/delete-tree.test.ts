import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { type TestContext, test } from "node:test";

import { cleanUpOf } from "../testing/clean-up.ts";
import { deleteTree } from "./delete-tree.ts";

function createFolder(t: TestContext): { readonly around: string; readonly tree: string } {
  const around = mkdtempSync(join(tmpdir(), "delete-tree-"));
  cleanUpOf(t).defer(() => execFileSync("rm", ["-rf", around]));
  const tree = join(around, "tree");
  mkdirSync(tree);
  return { around, tree };
}

test("deleteTree() deletes everything in a folder, also names that are no text, and nothing else", async (t) => {
  const { around, tree } = createFolder(t);
  writeFileSync(join(around, "kept"), "kept");
  mkdirSync(join(around, "folder"));
  writeFileSync(join(around, "folder", "kept"), "kept");
  symlinkSync(join(around, "kept"), join(tree, "link"));
  symlinkSync(join(around, "folder"), join(tree, "link-to-folder"));
  mkdirSync(join(tree, "a", "b"), { recursive: true });
  writeFileSync(Buffer.from(`${tree}/a/\xff\xfe`, "latin1"), "");
  mkdirSync(Buffer.from(`${tree}/a/\xc3`, "latin1"));
  for (let count = 0; count < 600; count++) writeFileSync(join(tree, "a", "b", `${count}`), "");

  await deleteTree(tree, t);

  assert.deepEqual(readdirSync(around).sort(), ["folder", "kept"]);
  assert.equal(readFileSync(join(around, "folder", "kept"), "utf8"), "kept");
});

test("deleteTree() deletes folders that no path reaches", async (t) => {
  const { tree } = createFolder(t);
  // 200 names of 100 characters are five times what a path may hold.
  const script = `const { mkdirSync, writeFileSync } = require("node:fs");
    for (let depth = 0; depth < 200; depth++) {
      mkdirSync("n".repeat(100));
      writeFileSync("file", "");
      process.chdir("n".repeat(100));
    }`;
  execFileSync(process.execPath, ["-e", script], { cwd: tree });
  await deleteTree(tree, t);
  assert.equal(existsSync(tree), false);
});

test("deleteTree() is content when there is nothing, and stops when it is told to", async (t) => {
  const { around, tree } = createFolder(t);
  await deleteTree(join(around, "nothing"), t);
  writeFileSync(join(tree, "file"), "");
  const controller = new AbortController();
  controller.abort(new Error("enough"));
  await assert.rejects(deleteTree(tree, controller), /enough/);
  assert.ok(existsSync(join(tree, "file")));
});

test("deleteTree() deletes no more than the link when its folder is one", async (t) => {
  const { around, tree } = createFolder(t);
  writeFileSync(join(tree, "kept"), "");
  const link = join(around, "link");
  symlinkSync(tree, link);
  await assert.rejects(deleteTree(link, t));
  assert.ok(existsSync(join(tree, "kept")));
  rmSync(link);
});
