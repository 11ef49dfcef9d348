import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { accessSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { FailedPreconditionError } from "../errors.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { testFolder } from "../testing/test-folder.ts";
import { createTestRoot } from "./test-root.test-support.ts";

const needsDisks = { skip: whyNoDisks() };

/** Bytes of a disk that ext4 can be made on. */
const diskSize = 4 * 1024 * 1024;

for (const feature of ["filetype", "^filetype"]) {
  test(`ext4 with the feature ${feature} is ${usability(feature)}`, needsDisks, async (t) => {
    const disk = join(testFolder(t, "disk"), "ext4");
    writeFileSync(disk, "");
    truncateSync(disk, diskSize);
    execFileSync("mkfs.ext4", ["-q", "-O", feature, disk], { stdio: "pipe" });
    const { root, open } = await createTestRoot(t);
    execFileSync("mount", ["-o", "loop", disk, root]);
    cleanUpOf(t).defer(() => execFileSync("umount", ["--lazy", root]));
    if (feature === "filetype") {
      await (await open())[Symbol.asyncDispose]();
      return;
    }
    await assert.rejects(open(), (error) => {
      assert.ok(error instanceof FailedPreconditionError);
      assert.match(error.message, /d_type.*snapshots\.root on another.*ftype=1/);
      return true;
    });
    // The folder is let go of: it can be looked at, and tried again.
    await assert.rejects(open(), FailedPreconditionError);
  });
}

function usability(feature: string): string {
  return feature.startsWith("^") ? "refused, for overlayfs would show deleted files" : "taken";
}

/** Why no disk can be mounted here; `false` when one can. */
function whyNoDisks(): string | false {
  if (process.getuid?.() !== 0) return "only root may mount";
  try {
    accessSync("/dev/loop-control");
    execFileSync("mkfs.ext4", ["-V"], { stdio: "pipe" });
    return false;
  } catch {
    return "there are no loop devices, or no mkfs.ext4";
  }
}
