import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Has a shell script fill a folder, and gives what GNU tar makes of that. */
export function gnuTar(script: string, flags: readonly string[]): Buffer {
  const directory = mkdtempSync(join(tmpdir(), `shoal-${process.pid}-`));
  try {
    const tree = join(directory, "tree");
    execFileSync("sh", ["-ec", `mkdir "$0"; cd "$0"; ${script}`, tree]);
    const archive = join(directory, "layer.tar");
    const steady = ["--sort=name", "--numeric-owner"];
    execFileSync("tar", ["-C", tree, "-cf", archive, ...steady, ...flags, "."]);
    return readFileSync(archive);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The POSIX format, without times that are those of the moment at which it is written. */
export const posixFlags = ["--format=posix", "--pax-option=delete=atime,delete=ctime"] as const;
