import type { Readable } from "node:stream";

import { UnavailableError } from "../errors.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { RateFloor } from "./rate-floor.ts";

/** How {@link chunksWithin} reads. */
export interface WatchedRead extends Cancellable {
  /** Bytes at the start that are read and dropped. */
  readonly skip: number;
  /** Longest wait for the next chunk. The time that the consumer takes does not count. */
  readonly stallMs: number;
  /** Notes each wait. */
  readonly floor: Pick<RateFloor, "spend" | "isSpent">;
  /** Milliseconds since whenever, that only go on. */
  readonly nowMs: () => number;
  /** For messages. */
  readonly what: string;
}

/**
 * The chunks of a body, with a watch on each wait: undici's own timeout does not run
 * while its consumer is slow, and so misses a sender that went silent meanwhile.
 *
 * @throws {UnavailableError} when nothing comes for too long, or too little for the waits, or
 *   the body breaks off.
 */
export async function* chunksWithin(
  body: Readable,
  { skip, stallMs, floor, nowMs, signal, what }: WatchedRead,
): AsyncGenerator<Uint8Array, void> {
  let toSkip = skip;
  const chunks = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const startedMs = nowMs();
      const spend = (bytes: number) => floor.spend({ waitedMs: nowMs() - startedMs, bytes });
      const timer = setTimeout(() => body.destroy(new Error("stalled")), stallMs);
      const next = await chunks
        .next()
        .catch((error: unknown) => {
          spend(0);
          throw error;
        })
        .finally(() => clearTimeout(timer));
      if (next.done) return;
      spend(next.value.length);
      if (floor.isSpent) throw new Error("too slow");
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
