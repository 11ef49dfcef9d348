/**
 * Turns a compressed stream back, a piece at a time, on the thread of its caller.
 *
 * Push bytes, pull until nothing comes, push the next ones; finish after the last.
 */
export interface Decompressor extends Disposable {
  /** Hands over the next bytes of the stream, which must not change until all was pulled. */
  push(input: Uint8Array): void;

  /**
   * Gives the next bytes of what was pushed, at most {@link chunkLength}, good until the
   * next call; `undefined` when more must be pushed.
   *
   * @throws {LayerFormatError} when the stream is damaged.
   */
  pull(): Uint8Array | undefined;

  /** Ends the stream. @throws {LayerFormatError} when it is known to be cut off. */
  finish(): void;
}

/**
 * Uncompressed bytes that are made at once. Measured: 64 KiB cost 4 % more time, 1 MiB
 * gains 1 %, and what is hashed and written next should still be in the processor's cache.
 */
export const chunkLength = 256 * 1024;
