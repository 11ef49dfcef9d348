import { open, rename, rm, writeFile } from "node:fs/promises";

/** Ends the name of a file that is being written; whoever finds one later may delete it. */
export const temporarySuffix = ".tmp";

/** How a file is put in its place. */
export interface Replacement {
  /** Whether its bytes are on disk before it is in its place. */
  readonly durable: boolean;
}

/**
 * Puts a file in its place as a whole or not at all. Never blocks the thread: under load
 * the disk lets even calls on metadata wait. The folder is not synced.
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  { durable }: Replacement,
): Promise<void> {
  const temporary = path + temporarySuffix;
  try {
    await writeFile(temporary, content, { flush: durable });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Waits until the file or folder, as it is now, would survive a power cut. */
export async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
