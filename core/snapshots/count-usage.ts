import { lstat } from "node:fs/promises";

import { systemCodeOf } from "../disk/storage-error.ts";
import { FailedPreconditionError } from "../errors.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { DiskUsage } from "../ports/layer-unpacker.ts";
import { OpenFolder } from "./open-folder.ts";

/** Unit of `st_blocks`, whatever the blocks of the file system are. @see stat(2) */
const blockLengthBytes = 512n;

/** Folders within folders that are followed: each is a file descriptor as long as it takes. */
const depthMax = 256;

/** Files that are looked at together. It takes a third of the time of one after the other. */
const filesAtOnce = 8;

/**
 * Counts what a folder takes on disk, with itself, as `du` does and containerd: blocks and
 * not lengths, and of hard links the first.
 *
 * What comes or goes meanwhile may be counted or not.
 *
 * @throws {FailedPreconditionError} when folders are nested too deep.
 * @see containerd/continuity fs/du_unix.go
 */
export async function countUsage(path: string, { signal }: Cancellable): Promise<DiskUsage> {
  const count = new UsageCount();
  await visit(Buffer.from(path), { count, depth: 1, signal });
  return count.usage;
}

interface VisitOptions extends Cancellable {
  readonly count: UsageCount;
  readonly depth: number;
}

async function visit(path: Buffer, options: VisitOptions): Promise<void> {
  const { count, depth, signal } = options;
  if (depth > depthMax) {
    throw new FailedPreconditionError(`Cannot count usage: over ${depthMax} folders deep`);
  }
  const folder = await OpenFolder.open(path);
  try {
    count.add(await folder.stat());
    let files: Buffer[] = [];
    for await (const entry of folder.entries()) {
      signal.throwIfAborted();
      if (entry.isFolder) await unlessGone(visit(entry.path, { ...options, depth: depth + 1 }));
      else files.push(entry.path);
      if (files.length === filesAtOnce) {
        await addAll(files, count);
        files = [];
      }
    }
    await addAll(files, count);
  } finally {
    await folder[Symbol.asyncDispose]();
  }
}

async function addAll(paths: readonly Buffer[], count: UsageCount): Promise<void> {
  const stats = await Promise.all(paths.map((path) => unlessGone(lstat(path, { bigint: true }))));
  for (const stat of stats) if (stat) count.add(stat);
}

/** In a tree that is written to, what was listed may be gone, or be something else by now. */
async function unlessGone<T>(operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(systemCodeOf(error))) return undefined;
    throw error;
  }
}

/** What {@link UsageCount} wants to know of a file. */
interface FileStat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly nlink: bigint;
  readonly blocks: bigint;
  isDirectory(): boolean;
}

/** Sums up files. */
class UsageCount {
  #blocks = 0n;
  #inodes = 0;
  /** Files with several names that were counted; nothing else can be met twice. */
  readonly #linked = new Set<string>();

  add(stat: FileStat): void {
    if (stat.nlink > 1n && !stat.isDirectory()) {
      const key = `${stat.dev}:${stat.ino}`;
      if (this.#linked.has(key)) return;
      this.#linked.add(key);
    }
    this.#blocks += stat.blocks;
    this.#inodes++;
  }

  get usage(): DiskUsage {
    return { size: Number(this.#blocks * blockLengthBytes), inodes: this.#inodes };
  }
}
