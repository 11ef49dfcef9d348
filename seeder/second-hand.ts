import { BlobSizeError, DigestMismatchError } from "../core/errors.ts";
import type { BlobOptions, Origin } from "../core/ports/origin.ts";

/** How a blob is read that another seeder may give. */
export interface SecondHandOptions extends BlobOptions {
  /** No other seeder is asked: what one gave was wrong. */
  readonly isFirstHand?: boolean;
  /** Told of bytes of another seeder, before they are given. */
  readonly onSecondHand?: (bytes: number) => void;
}

/** Gives blobs of their origins, or of another seeder that has them from there. */
export interface BlobGiver {
  /** @throws as {@link Origin.blob} */
  blob(from: Parameters<Origin["blob"]>[0], options: SecondHandOptions): AsyncIterable<Uint8Array>;
}

/** The bytes of another seeder in one fetch. */
export class SecondHand {
  #bytes = 0;
  #coming = 0;

  /** Whether there are any. */
  get isAny(): boolean {
    return this.#bytes > 0;
  }

  /** Some are about to come. */
  add(bytes: number): void {
    this.#bytes += bytes;
    this.#coming += bytes;
  }

  /** How many of the next bytes that came are of another seeder. */
  take(bytes: number): number {
    const taken = Math.min(bytes, this.#coming);
    this.#coming -= taken;
    return taken;
  }
}

/** Whether a fetch failed because it was given other bytes than the blob's. */
export function isWrongBlob(error: unknown): boolean {
  return error instanceof BlobSizeError || error instanceof DigestMismatchError;
}
