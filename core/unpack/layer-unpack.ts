import { type Hash, createHash } from "node:crypto";
import { readSync } from "node:fs";

import { algorithmOf, digestFromHash } from "../digest.ts";
import { storageErrorFrom } from "../disk/storage-error.ts";
import { DataLossError, DigestMismatchError } from "../errors.ts";
import type { UnpackProgress, UnpackedLayer } from "../ports/layer-unpacker.ts";
import { detectCompression, magicLength } from "./compression.ts";
import { createDecompressor } from "./create-decompressor.ts";
import type { Decompressor } from "./decompressor.ts";
import { LayerExtractor } from "./layer-extractor.ts";
import { StreamBudget } from "./stream-budget.ts";
import type { LayerJob, UnpackSettings } from "./unpack-protocol.ts";

/** Read at once, in bytes: a hundred microseconds from the page cache, which a call is not. */
const readLength = 256 * 1024;

/** Bytes of tar stream between two reports of progress: a hundred a second at most. */
const progressStepBytes = 4 * 1024 * 1024;

/** One layer that is unpacked, a chunk at a time, by the thread that it is in. */
export class LayerUnpack {
  readonly #job: LayerJob;
  readonly #onProgress: (progress: UnpackProgress) => void;
  readonly #extractor: LayerExtractor;
  readonly #budget: StreamBudget;
  readonly #hash: Hash;
  readonly #input: Buffer;
  #decompressor: Decompressor | undefined;
  #position = 0;
  #availableEnd = 0;
  #needsInput = true;
  #progressAt = progressStepBytes;

  constructor(
    job: LayerJob,
    { limits, onProgress }: UnpackSettings & { onProgress: (progress: UnpackProgress) => void },
  ) {
    this.#job = job;
    this.#onProgress = onProgress;
    const whiteouts = job.isLowest ? "removal" : "overlay";
    this.#extractor = new LayerExtractor({ root: job.into, limits, whiteouts });
    this.#budget = new StreamBudget(limits);
    this.#hash = createHash(algorithmOf(job.diffId));
    this.#input = Buffer.allocUnsafeSlow(Math.min(readLength, job.size));
  }

  /** Bytes up to `end` can be read. */
  advance(end: number): void {
    this.#availableEnd = end;
  }

  /** Whether the next step must wait for bytes. */
  get isWaiting(): boolean {
    const wanted = Math.min(this.#job.size, this.#decompressor ? this.#position + 1 : magicLength);
    return this.#needsInput && this.#availableEnd < wanted;
  }

  /**
   * Does the next small part of the work; the layer, after the last.
   *
   * @throws {LayerFormatError} {DigestMismatchError} {StorageFullError} {DataLossError}
   */
  async step(): Promise<UnpackedLayer | undefined> {
    try {
      return await this.#step();
    } catch (error) {
      throw storageErrorFrom(error);
    }
  }

  /** Lets go of everything; nothing is written from then on. After the last step or instead of it. */
  close({ isDone }: { readonly isDone: boolean }): void {
    this.#decompressor?.[Symbol.dispose]();
    if (!isDone) this.#extractor.abort();
  }

  async #step(): Promise<UnpackedLayer | undefined> {
    const decompressor = this.#decompressor;
    const chunk = decompressor?.pull();
    this.#needsInput = chunk === undefined;
    if (chunk) this.#take(chunk);
    else if (decompressor && this.#position === this.#job.size) return this.#finish(decompressor);
    else if (!this.isWaiting) this.#read();
    return undefined;
  }

  #take(chunk: Uint8Array): void {
    this.#budget.take(chunk.byteLength, { bytesRead: this.#position });
    this.#hash.update(chunk);
    this.#extractor.write(chunk);
    if (this.#budget.tarSize < this.#progressAt) return;
    this.#progressAt = this.#budget.tarSize + progressStepBytes;
    this.#report();
  }

  #read(): void {
    const { fd } = this.#job;
    const length = Math.min(this.#input.length, this.#availableEnd - this.#position);
    const count = readSync(fd, this.#input, 0, length, this.#position);
    if (count < length) throw new DataLossError("Cannot read layer: its file is too short");
    const input = this.#input.subarray(0, count);
    this.#decompressor ??= createDecompressor(detectCompression(input));
    this.#decompressor.push(input);
    this.#position += count;
    this.#needsInput = false;
  }

  async #finish(decompressor: Decompressor): Promise<UnpackedLayer> {
    const { diffId } = this.#job;
    decompressor.finish();
    const layer = await this.#extractor.end();
    const actual = digestFromHash(this.#hash, algorithmOf(diffId));
    if (actual !== diffId) throw new DigestMismatchError(diffId, actual);
    this.#report();
    return layer;
  }

  #report(): void {
    const { bytesWritten, entries } = this.#extractor;
    this.#onProgress({ bytesRead: this.#position, bytesWritten, entries });
  }
}
