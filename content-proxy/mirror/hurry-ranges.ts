import type { ByteRange } from "../../core/byte-range.ts";
import type { Arrival } from "../arrival.ts";

/**
 * Ranges of one request that are fetched before others at once. Each is one more reader, at whose
 * place every source looks first: the next range has its turn when one of them is here.
 */
const hurriedMax = 16;

/**
 * Has ranges of an arriving blob fetched before others, in their order, until the result is
 * disposed of.
 */
export function hurryRanges(
  arrival: Pick<Arrival, "ready">,
  ranges: readonly ByteRange[],
): Disposable {
  const over = new AbortController();
  const left = ranges.values();
  for (let turns = Math.min(hurriedMax, ranges.length); turns > 0; turns--) {
    // What a range that does not come means is for who reads it.
    hurryEach(arrival, left, over.signal).catch(() => undefined);
  }
  return { [Symbol.dispose]: () => over.abort() };
}

/** One range after the other, of those that nobody else has taken. */
async function hurryEach(
  arrival: Pick<Arrival, "ready">,
  left: Iterable<ByteRange>,
  signal: AbortSignal,
): Promise<void> {
  for (const range of left) await arrival.ready(range, { signal });
}
