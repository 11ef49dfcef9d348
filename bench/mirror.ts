import type { Figure } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { measureBlobRate } from "./mirror/blob-rate.ts";
import { measureSmallPull } from "./mirror/small-pull.ts";

/** What the registry mirror gives, and what it costs where it has nothing to give. */
export const mirror: Measurement = {
  name: "mirror",
  summary: "a blob of 500 MB from the mirror: against nginx; what it adds to a small pull",
  rounds: 9,
  withinMs: 10 * 60_000,
  run: measureMirror,
};

async function measureMirror(context: BenchContext): Promise<readonly Figure[]> {
  return [...(await measureBlobRate(context)), ...(await measureSmallPull(context))];
}
