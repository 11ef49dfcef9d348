import { type BigIntStats, type PathLike, constants } from "node:fs";
import { type FileHandle, open, opendir } from "node:fs/promises";

/** Entries that are read from the disk at once. */
const entriesAtOnce = 256;

/** Something in an {@link OpenFolder}. */
export interface FolderEntry {
  /** How to reach it; good as long as the folder is open. */
  readonly path: Buffer;
  readonly isFolder: boolean;
}

/**
 * A folder that is held open, so that what is in it is reached through it and not by a path.
 *
 * In the tree of a container somebody else may put a link in the place of a folder at any
 * time, so a path does not say where it leads. Nor is a path from the root on bounded in
 * its length there. Names may be any bytes.
 */
export class OpenFolder implements AsyncDisposable {
  readonly #handle: FileHandle;
  /** Where the kernel shows what this process has open. */
  readonly #path: string;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
    this.#path = `/proc/self/fd/${handle.fd}`;
  }

  /** Fails with ELOOP or ENOTDIR for what is no folder itself. */
  static async open(path: PathLike): Promise<OpenFolder> {
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
    return new OpenFolder(await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  }

  /** What is in it; things may come and go meanwhile. */
  async *entries(): AsyncGenerator<FolderEntry, void> {
    // Latin-1 has a character for each byte, so that no name is lost.
    const options = { encoding: "latin1", bufferSize: entriesAtOnce } as const;
    for await (const entry of await opendir(this.#path, options)) {
      yield { path: this.pathOf(entry.name), isFolder: entry.isDirectory() };
    }
  }

  /** How to reach what has, or will have, that name in it, given in Latin-1. */
  pathOf(name: string): Buffer {
    return Buffer.from(`${this.#path}/${name}`, "latin1");
  }

  async stat(): Promise<BigIntStats> {
    return this.#handle.stat({ bigint: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}
