import { createDeadline } from "../core/async/deadline.ts";
import type { ByteRange } from "../core/byte-range.ts";
import { UnavailableError } from "../core/errors.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Arrival } from "./arrival.ts";

/** Longest chunk that is read at once, unless told otherwise: what fits containerd's own messages. */
const chunkLengthDefault = 1024 * 1024;

/** How an arriving blob is read. */
export interface ReadArrivingOptions extends Cancellable {
  readonly readTimeoutMs: number;
  readonly chunkLengthMax?: number;
}

/**
 * Reads a range of a blob while it arrives, each chunk as soon as it is checked.
 * Ends early when the blob became whole: the rest is in the store.
 *
 * @throws {UnavailableError} when the next bytes do not come within `readTimeoutMs`.
 */
export async function* readArriving(
  arrival: Pick<Arrival, "digest" | "ended" | "locate" | "read" | "ready">,
  range: ByteRange,
  { signal, readTimeoutMs, chunkLengthMax = chunkLengthDefault }: ReadArrivingOptions,
): AsyncGenerator<Uint8Array, void> {
  let start = range.start;
  while (start < range.end) {
    const here = arrival.locate(start);
    const end = Math.min(range.end, here?.availableEnd ?? 0, start + chunkLengthMax);
    if (here && end > start) {
      const chunk = Buffer.allocUnsafe(end - start);
      const bytesRead = await arrival.read(chunk, start);
      if (bytesRead === undefined) continue;
      if (bytesRead === 0) return;
      start += bytesRead;
      yield chunk.subarray(0, bytesRead);
      continue;
    }
    // What comes first is given first; the pieces that follow come before others anyway.
    await readyWithin(arrival, { start, end: start + 1 }, { signal, readTimeoutMs });
    if (arrival.ended) return;
  }
}

async function readyWithin(
  arrival: Pick<Arrival, "digest" | "ready">,
  range: ByteRange,
  { signal, readTimeoutMs }: Cancellable & { readonly readTimeoutMs: number },
): Promise<void> {
  const deadline = createDeadline(signal, readTimeoutMs);
  try {
    await arrival.ready(range, { signal: deadline.signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw new UnavailableError(`Cannot read blob ${arrival.digest}: its bytes do not come`, {
      cause,
    });
  } finally {
    deadline[Symbol.dispose]();
  }
}
