import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { cleanUpOf } from "../testing/clean-up.ts";
import { makeFolder } from "./make-folder.ts";

function temporaryFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "shoal-make-folder-"));
  cleanUpOf(t).defer(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test("a folder is made with those above it, and one that is there is left as it is", (t) => {
  const root = temporaryFolder(t);
  makeFolder(join(root, "a", "b", "c"), { mode: 0o700 });
  assert.equal(statSync(join(root, "a")).mode & 0o777, 0o700);
  assert.equal(statSync(join(root, "a", "b", "c")).mode & 0o777, 0o700);
  makeFolder(join(root, "a", "b"), { mode: 0o755 });
  assert.equal(statSync(join(root, "a", "b")).mode & 0o777, 0o700);
});

test("a link to a folder is a folder", (t) => {
  const root = temporaryFolder(t);
  makeFolder(join(root, "disk"));
  symlinkSync("disk", join(root, "link"));
  makeFolder(join(root, "link"));
  makeFolder(join(root, "link", "store"));
  assert.equal(existsSync(join(root, "disk", "store")), true);
});

test("what is in the way is told of, a file or a link to nowhere", (t) => {
  const root = temporaryFolder(t);
  writeFileSync(join(root, "file"), "");
  symlinkSync("nowhere", join(root, "link"));
  assert.throws(() => makeFolder(join(root, "file")), { code: "EEXIST" });
  assert.throws(() => makeFolder(join(root, "file", "a")), { code: "ENOTDIR" });
  assert.throws(() => makeFolder(join(root, "link")), { code: "EEXIST" });
});

test("the topmost folder that cannot be made is told of", () => {
  assert.throws(() => makeFolder("/proc/shoal/v1"), { path: "/proc/shoal" });
});
