import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { FailedPreconditionError } from "../errors.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { countUsage } from "./count-usage.ts";

function createFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "usage-"));
  cleanUpOf(t).defer(() => execFileSync("rm", ["-rf", folder]));
  return folder;
}

/** What `du` says: bytes of blocks, or inodes. */
function du(folder: string, option: "--block-size=1" | "--inodes"): number {
  return parseInt(execFileSync("du", ["-s", option, folder], { encoding: "utf8" }));
}

test("countUsage() counts what du counts: blocks and inodes, hard links once", async (t) => {
  const folder = createFolder(t);
  mkdirSync(join(folder, "a", "b"), { recursive: true });
  for (let index = 0; index < 300; index++) {
    writeFileSync(join(folder, "a", `${index}`), Buffer.alloc(index * 100));
  }
  linkSync(join(folder, "a", "299"), join(folder, "a", "b", "link"));
  linkSync(join(folder, "a", "299"), join(folder, "again"));
  symlinkSync("/", join(folder, "root"));
  symlinkSync("l".repeat(200), join(folder, "long"));
  writeFileSync(join(folder, "sparse"), "");
  truncateSync(join(folder, "sparse"), 10_000_000);
  writeFileSync(Buffer.from(`${folder}/\xff`, "latin1"), "no text");

  const usage = await countUsage(folder, t);

  assert.equal(usage.size, du(folder, "--block-size=1"));
  assert.equal(usage.inodes, du(folder, "--inodes"));
  assert.ok(usage.size < 10_000_000);
});

test("countUsage() refuses a tree of endless depth, and stops when it is told to", async (t) => {
  const folder = createFolder(t);
  const script = "i=0; while [ $i -lt 300 ]; do mkdir n && cd n || exit 1; i=$((i+1)); done";
  execFileSync("sh", ["-c", script], { cwd: folder });
  await assert.rejects(countUsage(folder, t), FailedPreconditionError);
  const controller = new AbortController();
  controller.abort(new Error("enough"));
  await assert.rejects(countUsage(folder, controller), /enough/);
});

test("countUsage() of what is not there fails", async (t) => {
  await assert.rejects(countUsage(join(createFolder(t), "nothing"), t), { code: "ENOENT" });
});
