import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { sync, temporarySuffix } from "./durable-file.ts";
import { systemCodeOf } from "./storage-error.ts";

/** A file that is in its place, as every process sees. */
export interface PromptReplacement {
  /** Resolves when a power cut would not undo it any more; rejects when one may for ever. */
  readonly onDisk: Promise<void>;
}

/**
 * Puts a file in its place as a whole or not at all, and waits for the disk for `boundMs` at
 * most: while much is being written, that takes any time. Within the bound it is on disk before
 * it is in its place. After that a power cut may undo it, or cut it off; the end of this process
 * does neither.
 */
export async function replaceFilePromptly(
  path: string,
  content: string | Uint8Array,
  { boundMs }: { readonly boundMs: number },
): Promise<PromptReplacement> {
  const temporary = path + temporarySuffix;
  const bound = new Bound(boundMs);
  try {
    const fileOnDisk = syncAndClose(await writeNew(temporary, content));
    await bound.wait(fileOnDisk);
    await rename(temporary, path);
    const onDisk = fileOnDisk.then(() => syncFolder(dirname(path)));
    await bound.wait(onDisk);
    return { onDisk };
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    bound[Symbol.dispose]();
  }
}

/** Some time, in which several things are waited for. */
class Bound implements Disposable {
  readonly #over = Promise.withResolvers<undefined>();
  readonly #timer: NodeJS.Timeout;

  constructor(forMs: number) {
    this.#timer = setTimeout(() => this.#over.resolve(undefined), forMs);
  }

  /** Passes on a failure only while there is time; its owner looks at it anyway. */
  async wait(promise: Promise<void>): Promise<void> {
    promise.catch(() => undefined);
    await Promise.race([promise, this.#over.promise]);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

async function writeNew(path: string, content: string | Uint8Array): Promise<FileHandle> {
  const file = await open(path, "w");
  try {
    await file.writeFile(content);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function syncAndClose(file: FileHandle): Promise<void> {
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** One that somebody has removed meanwhile needs no disk. */
async function syncFolder(path: string): Promise<void> {
  try {
    await sync(path);
  } catch (error) {
    if (systemCodeOf(error) !== "ENOENT") throw error;
  }
}
