import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";

import { repositoryPath } from "./repository.ts";

/** A regular file of this machine. */
export interface MachineFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mode: number;
}

/** Folders that every machine of ours has; the last is there when tests run at all. */
const roots = ["/usr/bin", "/usr/lib", "/usr/share", join(repositoryPath, "node_modules")];

export interface MachineFilesOptions {
  readonly sizeBytes: number;
  /** Larger files are passed over: one file should not be a whole layer. */
  readonly fileSizeMaxBytes: number;
}

/**
 * The first files of the machine, in the order of their paths, until together they
 * have `sizeBytes`, or until there are no more. The same machine gives the same files.
 */
export async function pickMachineFiles(options: MachineFilesOptions): Promise<MachineFile[]> {
  const picked: MachineFile[] = [];
  let sizePicked = 0;
  for (const root of roots) {
    for await (const file of filesBelow(root)) {
      if (sizePicked >= options.sizeBytes) return picked;
      if (file.sizeBytes > options.fileSizeMaxBytes) continue;
      picked.push(file);
      sizePicked += file.sizeBytes;
    }
  }
  return picked;
}

async function* filesBelow(directory: string): AsyncGenerator<MachineFile> {
  const names: string[] = [];
  for await (const { name } of await opendir(directory)) names.push(name);
  for (const name of names.sort()) {
    const path = join(directory, name);
    const stats = await lstat(path);
    if (stats.isDirectory()) yield* filesBelow(path);
    if (!stats.isFile() || stats.size === 0) continue;
    yield { path, sizeBytes: stats.size, mode: stats.mode & 0o777 };
  }
}
