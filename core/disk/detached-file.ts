import { type FileHandle, open, rm } from "node:fs/promises";

import { systemCodeOf } from "./storage-error.ts";

/** A file that is in no folder any more. */
export interface DetachedFile {
  /** Waits until its space is free. Must be called, also when nobody waits. Idempotent. */
  free(): Promise<void>;
}

/**
 * Takes a file out of its folder without waiting for its space, which the file system gives
 * back when the last one who has it open closes it: for gigabytes that takes a while. A
 * process that is killed in between leaves nothing. A file that is not there is as good.
 */
export async function detachFile(path: string): Promise<DetachedFile> {
  const file = await openIfThere(path);
  try {
    await rm(path, { force: true });
  } catch (error) {
    await file?.close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    free: async () => {
      closing ??= file?.close();
      await closing;
    },
  };
}

/** What cannot be opened for want of rights or descriptors can be deleted all the same. */
async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (["ENOENT", "EACCES", "EMFILE", "ENFILE"].includes(systemCodeOf(error))) return undefined;
    throw error;
  }
}
