import { close, fdatasync, fstat, open, read, write } from "node:fs";
import { promisify } from "node:util";

import { CodedError, DataLossError, StorageFullError, UnavailableError } from "../errors.ts";

/** What `open` flags mean here: reading pieces of a blob, or filling it as well. */
export type PieceFileMode = "r" | "r+";

/** The file of a blob, read and written by position. */
export class PieceFile {
  readonly #fd: number;
  #users = 0;
  #isClosed = false;
  #closing: (() => void) | undefined;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** @throws {DataLossError} when there is no such file. @throws {UnavailableError} else */
  static async open(path: string, mode: PieceFileMode): Promise<PieceFile> {
    try {
      return new PieceFile(await promisify(open)(path, mode));
    } catch (error) {
      throw translate(error);
    }
  }

  /** Its length, and the bytes that it has on disk (less for a file with holes). */
  async stat(): Promise<{ readonly size: number; readonly bytesOnDisk: number }> {
    const { size, blocks } = await this.#use(() => promisify(fstat)(this.#fd));
    return { size, bytesOnDisk: blocks * 512 };
  }

  /** Fills the buffer from `position`. @throws {DataLossError} when the file ends before. */
  async read(buffer: Uint8Array, position: number): Promise<void> {
    await this.#use(async () => {
      for (let filled = 0; filled < buffer.byteLength;) {
        const count = await this.#readOnce(buffer, filled, position + filled);
        if (count === 0) throw new DataLossError("Cannot read piece: file is too short");
        filled += count;
      }
    });
  }

  /** Writes the whole buffer. @throws {StorageFullError} when there is no space for it. */
  async write(buffer: Uint8Array, position: number): Promise<void> {
    await this.#use(async () => {
      for (let written = 0; written < buffer.byteLength;) {
        written += await this.#writeOnce(buffer, written, position + written);
      }
    });
  }

  /** Waits until what was written is on disk. @throws {StorageFullError} */
  async sync(): Promise<void> {
    await this.#use(() => promisify(fdatasync)(this.#fd));
  }

  /** Closes it once reads and writes under way have ended; later ones are refused. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#users > 0) await new Promise<void>((resolve) => (this.#closing = resolve));
    await promisify(close)(this.#fd);
  }

  #readOnce(buffer: Uint8Array, offset: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const length = buffer.byteLength - offset;
      read(this.#fd, buffer, offset, length, position, (error, count) =>
        error ? reject(error) : resolve(count),
      );
    });
  }

  #writeOnce(buffer: Uint8Array, offset: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const length = buffer.byteLength - offset;
      write(this.#fd, buffer, offset, length, position, (error, count) =>
        error ? reject(error) : resolve(count),
      );
    });
  }

  /** Keeps the file open for the time of `work`. */
  async #use<T>(work: () => Promise<T>): Promise<T> {
    // The number may be another file's by now.
    if (this.#isClosed) throw new UnavailableError("Cannot use the file of a blob: it is closed");
    this.#users++;
    try {
      return await work();
    } catch (error) {
      throw translate(error);
    } finally {
      this.#users--;
      if (this.#users === 0) this.#closing?.();
    }
  }
}

/** Errors of the file system in our words. */
function translate(cause: unknown): CodedError {
  if (cause instanceof CodedError) return cause;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG") {
    return new StorageFullError("Cannot write piece: no space left", { cause });
  }
  if (code === "ENOENT") return new DataLossError("Cannot open blob: its file is gone", { cause });
  return new UnavailableError(`Cannot use the file of a blob: ${String(code)}`, { cause });
}
