import { read as readCallback } from "node:fs";
import { promisify } from "node:util";

import type { ByteRange } from "../../core/byte-range.ts";
import { DataLossError } from "../../core/errors.ts";
import type { BlobFile } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { SuppliedBlob } from "./supplied-blob.ts";

const readFile = promisify(readCallback);

/** A blob that is on disk. One chunk is read while the one before it is on its way out. */
export class WholeBlob implements SuppliedBlob {
  readonly #file: BlobFile;
  readonly #chunkLengthMax: number;

  /** @param options.chunkLengthMax What is read at once; twice as much is held in memory. */
  constructor(file: BlobFile, { chunkLengthMax }: { readonly chunkLengthMax: number }) {
    this.#file = file;
    this.#chunkLengthMax = chunkLengthMax;
  }

  get size(): number {
    return this.#file.size;
  }

  async ready(): Promise<void> {
    return Promise.resolve();
  }

  hurry(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  async *read(range: ByteRange, { signal }: Cancellable): AsyncGenerator<Uint8Array, void> {
    const length = Math.min(this.#chunkLengthMax, range.end - range.start);
    let [buffer, other] = [Buffer.allocUnsafeSlow(length), Buffer.alloc(0)];
    let reading = this.#fill(buffer, range);
    for (let start = range.start; start < range.end;) {
      const chunk = await reading;
      signal.throwIfAborted();
      start += chunk.byteLength;
      if (start < range.end) {
        if (other.byteLength === 0) other = Buffer.allocUnsafeSlow(length);
        [buffer, other] = [other, buffer];
        reading = this.#fill(buffer, { start, end: range.end });
        // Who leaves early does not wait for it.
        reading.catch(() => undefined);
      }
      yield chunk;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }

  async #fill(buffer: Buffer, { start, end }: ByteRange): Promise<Uint8Array> {
    const length = Math.min(buffer.byteLength, end - start);
    const { bytesRead } = await readFile(this.#file.fd, buffer, 0, length, start);
    if (bytesRead === 0) throw new DataLossError(`Cannot read a blob: it ends at ${start}`);
    return buffer.subarray(0, bytesRead);
  }
}
