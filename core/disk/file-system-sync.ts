import { type FileHandle, open } from "node:fs/promises";

import { DataLossError } from "../errors.ts";

/** syncfs(2), on a thread that may wait. */
interface SyncFunction {
  async(fd: number, callback: (error: unknown, result: number) => void): void;
}

/**
 * Waits until everything that was written to a file system is on disk, however many files
 * that are. Whoever opened it disposes of it.
 *
 * It keeps a folder open for as long as it lives: the kernel tells of writes that failed in
 * the background only to who had something open at that time.
 */
export class FileSystemSync implements AsyncDisposable {
  readonly #folder: FileHandle;
  readonly #syncfs: SyncFunction;

  private constructor(folder: FileHandle, syncfs: SyncFunction) {
    this.#folder = folder;
    this.#syncfs = syncfs;
  }

  /** For the file system that holds the folder at `path`. */
  static async open(path: string): Promise<FileSystemSync> {
    // Loaded when it is needed: not every service has snapshots.
    const { default: koffi } = await import("koffi");
    const syncfs: SyncFunction = koffi.load(null).func("int syncfs(int fd)");
    return new FileSystemSync(await open(path, "r"), syncfs);
  }

  /** @throws {DataLossError} when some of it could not be written. */
  async sync(): Promise<void> {
    const result = await new Promise<number>((resolve, reject) => {
      this.#syncfs.async(this.#folder.fd, (error, value) =>
        error instanceof Error ? reject(error) : resolve(value),
      );
    });
    if (result !== 0) throw new DataLossError("Cannot sync the file system: the disk fails");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder.close();
  }
}
