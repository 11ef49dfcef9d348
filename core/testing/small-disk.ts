import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { getuid } from "node:process";
import type { TestContext } from "node:test";

import { cleanUpOf } from "./clean-up.ts";
import { testFolder } from "./test-folder.ts";

/** For tests that need a {@link SmallDisk}. */
export const asRoot = {
  skip: getuid?.() === 0 ? false : "needs root to mount a small file system",
};

/** A file system of 4 MiB that can be full. It is gone with the test. */
export class SmallDisk {
  /** A folder on it that nobody has made yet. */
  readonly root: string;
  readonly #filler: string;

  constructor(t: TestContext) {
    // Not on the test's own folder: who removes it after a run that was killed unmounts what is in it.
    const disk = join(testFolder(t, "small"), "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]);
    cleanUpOf(t).defer(() => execFileSync("umount", ["--lazy", disk]));
    this.root = join(disk, "root");
    this.#filler = join(disk, "filler");
  }

  /** Takes every byte that is free. */
  fill(): void {
    const script = `cat /dev/zero > "$1" 2>/dev/null || true`;
    execFileSync("sh", ["-c", script, "sh", this.#filler]);
  }

  /** Gives back what {@link fill} took. */
  clear(): void {
    rmSync(this.#filler, { force: true });
  }
}
