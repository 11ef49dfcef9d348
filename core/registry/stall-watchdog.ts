import type { Readable } from "node:stream";

import { UnavailableError } from "../errors.ts";
import type { Cancellable } from "../ports/cancellable.ts";

/** How {@link chunksWithin} reads. */
export interface WatchedRead extends Cancellable {
  /** Bytes at the start that are read and dropped. */
  readonly skip: number;
  /** Longest wait for the next chunk. The time that the consumer takes does not count. */
  readonly stallMs: number;
  /** For messages. */
  readonly what: string;
}

/**
 * The chunks of a body, with a watch on each wait: undici's own timeout does not run
 * while its consumer is slow, and so misses a sender that went silent meanwhile.
 *
 * @throws {UnavailableError} when nothing comes for too long, or the body breaks off.
 */
export async function* chunksWithin(
  body: Readable,
  { skip, stallMs, signal, what }: WatchedRead,
): AsyncGenerator<Uint8Array, void> {
  let toSkip = skip;
  const chunks = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = setTimeout(() => body.destroy(new Error("stalled")), stallMs);
      const next = await chunks.next().finally(() => clearTimeout(timer));
      if (next.done) return;
      const chunk = next.value.subarray(Math.min(toSkip, next.value.length));
      toSkip -= next.value.length - chunk.length;
      if (chunk.length > 0) yield chunk;
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw new UnavailableError(`Cannot read ${what}: the connection broke or hung`, { cause });
  } finally {
    body.destroy();
  }
}
