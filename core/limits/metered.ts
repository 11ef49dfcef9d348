import type { Cancellable } from "../ports/cancellable.ts";
import type { Passage } from "./passage.ts";

/** Longest part that goes through at once while there is a limit, in bytes: no lumps at low rates. */
export const meteredLength = 32 * 1024;

/**
 * Passes chunks on as fast as limits let them through, in short parts while there are limits.
 * What feeds it is not asked for more meanwhile.
 *
 * @throws the signal's reason
 */
export async function* metered(
  chunks: AsyncIterable<Uint8Array>,
  { passage, signal }: Cancellable & { readonly passage: Passage },
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of chunks) {
    const length = passage.isOpen ? chunk.byteLength : meteredLength;
    for (let start = 0; start < chunk.byteLength; start += length) {
      const part = chunk.subarray(start, start + length);
      if (!passage.isOpen) await passage.passed(part.byteLength, { signal });
      yield part;
    }
  }
}
