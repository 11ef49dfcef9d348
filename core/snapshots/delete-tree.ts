import { rename, rmdir, unlink } from "node:fs/promises";

import { systemCodeOf } from "../disk/storage-error.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import { OpenFolder } from "./open-folder.ts";

/** Folders that are open at once; what lies deeper is moved up to be deleted from there. */
const foldersOpenMax = 32;

/** Files that are deleted at once: enough to keep one of Node's I/O threads busy, not all. */
const filesAtOnce = 4;

/**
 * Deletes a folder and what is in it, and nothing else, whatever somebody who may write in
 * it does meanwhile. What is gone already is fine.
 *
 * Node's own `rm` follows links that are put in a folder's place while it runs, fails on
 * paths that are too long, and keeps all of Node's I/O threads busy.
 *
 * @throws what the file system says, with part of it deleted.
 */
export async function deleteTree(path: string, { signal }: Cancellable): Promise<void> {
  let top: OpenFolder;
  try {
    top = await OpenFolder.open(path);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return;
    throw error;
  }
  try {
    const deep = new DeepFolders(top);
    do await empty(top, { deep, depth: 1, signal });
    while (deep.takeNews());
  } finally {
    await top[Symbol.asyncDispose]();
  }
  await forgiving(rmdir(path));
}

/** Moves folders that are too far down to the top of the tree. */
class DeepFolders {
  readonly #top: OpenFolder;
  #count = 0;
  #hasNews = false;

  constructor(top: OpenFolder) {
    this.#top = top;
  }

  async moveUp(path: Buffer): Promise<void> {
    this.#hasNews = true;
    await forgiving(rename(path, this.#top.pathOf(`.deep-${this.#count++}`)));
  }

  /** Whether something was moved since it was last asked. */
  takeNews(): boolean {
    const hasNews = this.#hasNews;
    this.#hasNews = false;
    return hasNews;
  }
}

interface EmptyOptions extends Cancellable {
  readonly deep: DeepFolders;
  readonly depth: number;
}

async function empty(folder: OpenFolder, options: EmptyOptions): Promise<void> {
  let files: Buffer[] = [];
  for await (const { path, isFolder } of folder.entries()) {
    options.signal.throwIfAborted();
    if (!isFolder) files.push(path);
    else if (options.depth === foldersOpenMax) await options.deep.moveUp(path);
    else await deleteFolder(path, { ...options, depth: options.depth + 1 });
    if (files.length === filesAtOnce) {
      await unlinkAll(files);
      files = [];
    }
  }
  await unlinkAll(files);
}

async function deleteFolder(path: Buffer, options: EmptyOptions): Promise<void> {
  const folder = await OpenFolder.open(path);
  try {
    await empty(folder, options);
  } finally {
    await folder[Symbol.asyncDispose]();
  }
  await forgiving(rmdir(path));
}

async function unlinkAll(paths: readonly Buffer[]): Promise<void> {
  await Promise.all(paths.map((path) => forgiving(unlink(path))));
}

/** Waits for what may find that somebody else was faster. */
async function forgiving(operation: Promise<void>): Promise<void> {
  try {
    await operation;
  } catch (error) {
    if (systemCodeOf(error) !== "ENOENT") throw error;
  }
}
