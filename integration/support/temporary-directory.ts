import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runCommand } from "./command.ts";

export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes a folder of a short name, for paths of Unix sockets end at 107 bytes.
 * Dispose of it to remove it with all that is in it and all that is mounted there.
 */
export async function createTemporaryDirectory(): Promise<TemporaryDirectory> {
  await removeLeftovers();
  const path = await mkdtemp(join(tmpdir(), `shoal-${process.pid}-`));
  return { path, [Symbol.asyncDispose]: () => removeDirectory(path) };
}

async function removeDirectory(path: string): Promise<void> {
  await unmountBelow(path);
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}

/** Removes the folders of runs that were killed: their names tell whose they were. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = /^shoal-(\d+)-/.exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    // Another run may be doing the same at this moment.
    await removeDirectory(join(tmpdir(), name)).catch(() => undefined);
  }
}

/** Undoes every mount in a folder, the newest first. */
export async function unmountBelow(path: string): Promise<void> {
  const mounts = await readFile("/proc/self/mountinfo", "utf8");
  const targets = mounts
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((target) => target.startsWith(`${path}/`));
  for (const target of targets.reverse()) await runCommand(["umount", "--lazy", target]);
}
