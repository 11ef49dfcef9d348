import { type FileHandle, open } from "node:fs/promises";

import type { Download } from "../core/ports/swarm.ts";

/** The file of a download under way, and what of it may be read. */
export class ArrivingBytes {
  readonly download: Download;
  readonly #file: FileHandle;
  readonly #path: string;

  /** @param file Open for reading, by who closes it after this was let go of. */
  constructor({
    download,
    file,
    path,
  }: {
    readonly download: Download;
    readonly file: FileHandle;
    readonly path: string;
  }) {
    this.download = download;
    this.#file = file;
    this.#path = path;
  }

  /** How far the file may be read from `offset`. */
  locate(offset: number): { readonly fd: number; readonly availableEnd: number } {
    return { fd: this.#file.fd, availableEnd: this.download.availableEnd(offset) };
  }

  /** Reads bytes that {@link locate} says are here, and gives how many. */
  async read(target: Uint8Array, position: number): Promise<number> {
    const { bytesRead } = await this.#file.read(target, 0, target.byteLength, position);
    return bytesRead;
  }

  /** Opens the file for a reader of its own; `undefined` when it has just left its place. */
  async open(): Promise<FileHandle | undefined> {
    return open(this.#path, "r").catch(() => undefined);
  }
}
