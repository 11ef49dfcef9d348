import type { Decompressor } from "./decompressor.ts";

/** Passes a stream through that is not compressed. */
export class PlainDecompressor implements Decompressor {
  #input: Uint8Array | undefined;

  push(input: Uint8Array): void {
    this.#input = input;
  }

  pull(): Uint8Array | undefined {
    const input = this.#input;
    this.#input = undefined;
    return input;
  }

  finish(): void {
    // Where it should end is for the tar stream to say.
  }

  [Symbol.dispose](): void {
    this.#input = undefined;
  }
}
