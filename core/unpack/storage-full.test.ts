import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { StorageFullError } from "../errors.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { asRoot, unpack } from "./unpacked-tree.test-support.ts";

/** A file system of its own with so little room, that goes with the test. */
function mountSmall(t: TestContext, size: string): string {
  const path = mkdtempSync(join(tmpdir(), "small-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", size, "shoal-test", path]);
  cleanUpOf(t).defer(() => {
    execFileSync("umount", [path]);
    rmdirSync(path);
  });
  return path;
}

test("LayerExtractor says when the disk has no room for content", asRoot, async (t) => {
  const root = mountSmall(t, "size=64k");
  const content = Buffer.alloc(200_000, "x");
  await assert.rejects(unpack(t, [{ name: "large", content }], { root }), StorageFullError);
});

test("LayerExtractor says when the disk has no room for more files", asRoot, async (t) => {
  const root = mountSmall(t, "nr_inodes=10");
  const many = Array.from({ length: 20 }, (_, index) => ({ name: `d${index}/` }));
  await assert.rejects(unpack(t, many, { root }), StorageFullError);
});
