import { open, rm } from "node:fs/promises";
import { join } from "node:path";

import { runCommand } from "../integration/support/command.ts";

/** Bytes written at once. */
const chunkLength = 4 * 2 ** 20;

/**
 * Brings memory and disk into the same state before each turn. What earlier turns have
 * written is put on the disk, so that nobody writes for others; and memory for
 * `sizeBytes` of new files is taken and given back, for a virtual machine may have to
 * ask its host for it, which is slower than any engine.
 */
export async function levelFileState(directory: string, sizeBytes: number): Promise<void> {
  await runCommand(["sync", "--file-system", directory]);
  const path = join(directory, "level");
  const chunk = Buffer.alloc(chunkLength);
  const file = await open(path, "w");
  try {
    for (let size = 0; size < sizeBytes; size += chunkLength) await file.write(chunk);
  } finally {
    await file.close();
    await rm(path);
  }
}
