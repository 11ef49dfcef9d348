import { setTimeout as sleep } from "node:timers/promises";

import type { ShoalDaemon } from "../../integration/support/shoal-daemon.ts";

/** Often enough for a bound of 300 ms, and seldom enough not to be in the way. */
const lookIntervalMs = 20;

/** Layers, and not the small blobs that come before them. */
const layerSizeMin = 1_000_000;

/**
 * Resolves with the time, by `performance.now()`, when a daemon first tells of bytes of a layer
 * that it has; no later than the interval after they came.
 */
export async function untilFirstBytes(
  daemon: ShoalDaemon,
  { signal }: { readonly signal: AbortSignal },
): Promise<number> {
  for (;;) {
    const askedMs = performance.now();
    const { ingests = [], traffic } = await daemon.status();
    const { peers = 0, seeders = 0, webSeeds = 0 } = traffic?.received ?? {};
    const hasSome = ingests.some(({ bytes, size }) => size >= layerSizeMin && bytes > 0);
    // A short layer may have come and gone between two looks.
    const total = peers + seeders + webSeeds + (traffic?.originBytes ?? 0);
    if (hasSome || total >= layerSizeMin) return askedMs;
    await sleep(lookIntervalMs, undefined, { signal });
  }
}
