import type { DiskUsage } from "../ports/layer-unpacker.ts";
import type { FileStatus } from "./file-status.ts";

/** Counts what a tree takes on disk while it is made, as `du` does: hard links once. */
export class DiskAccount {
  #size = 0;
  #inodes = 0;

  get usage(): DiskUsage {
    return { size: this.#size, inodes: this.#inodes };
  }

  /** Counts something new. */
  add({ diskSize }: Pick<FileStatus, "diskSize">): void {
    this.#size += diskSize;
    this.#inodes++;
  }

  /** Counts what something that was counted has become. */
  change(before: FileStatus, after: FileStatus): void {
    this.#size += after.diskSize - before.diskSize;
  }

  /** A name of something that was counted is about to be removed. */
  removeName({ links, diskSize }: FileStatus): void {
    if (links > 1) return;
    this.#size -= diskSize;
    this.#inodes--;
  }
}
