import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { runCommand } from "./command.ts";

/**
 * The snapshotter for a folder: overlayfs, or native where the file system cannot
 * carry an overlay, as one that is an overlay itself.
 */
export async function pickSnapshotter(directory: string): Promise<"overlayfs" | "native"> {
  const trial = join(directory, "overlay-trial");
  const part = (name: string) => join(trial, name);
  for (const name of ["lower", "upper", "work", "merged"]) {
    await mkdir(part(name), { recursive: true });
  }
  const options = `lowerdir=${part("lower")},upperdir=${part("upper")},workdir=${part("work")}`;
  try {
    // The mount goes with the mount namespace, which goes with the command.
    const mount = ["mount", "-t", "overlay", "trial", "-o", options, part("merged")] as const;
    await runCommand(["unshare", "--mount", ...mount]);
    return "overlayfs";
  } catch {
    return "native";
  } finally {
    await rm(trial, { recursive: true, force: true });
  }
}
