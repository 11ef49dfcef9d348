import type { Scenario } from "./scenario.ts";

/** An image of 3 GB in two layers, as in Kraken's published case. */
export const krakenSizeBytes = 3e9;
export const layerCount = 2;

/** Kraken's rate of every host: 300 MB/s. */
export const bytesPerSecond = 300e6;

/** Hosts of Kraken's case when nobody asks for others: minutes, where 2,600 take many. */
const defaultHostCounts = [100, 1000];

/** A layer as most are, which one seeder has. */
const layerBytes = 100e6;

/** In the harder cases, of which there are five; with more hosts only Kraken's case is simulated. */
const hardHostCount = 100;
const hardHostCountMax = 1000;

/** A crowd that is measured. */
export interface SimulatedCase {
  readonly name: string;
  readonly scenario: Scenario;
  /** Kraken's published case, for which bounds are held. */
  readonly isKraken: boolean;
}

/**
 * The crowds that are measured, the largest first, so that none has to be waited for alone. What
 * each is to tell stands in `scenario.ts`.
 *
 * @param options.hostCount of all of them, if anybody wants a certain one
 */
export function simulatedCases({
  hostCount,
  sizeBytes = krakenSizeBytes,
}: {
  readonly hostCount: number | undefined;
  readonly sizeBytes: number | undefined;
}): readonly SimulatedCase[] {
  const layers = Array.from({ length: layerCount }, () => Math.floor(sizeBytes / layerCount));
  const plain = (count: number): Scenario => ({
    ...{ hostCount: count, blobSizes: layers, bytesPerSecond, seederCount: 5, trackerCount: 5 },
    ...{ latencyMs: 0.5, seed: 1 },
  });
  const counts = hostCount === undefined ? defaultHostCounts : [hostCount];
  const kraken = counts
    .toReversed()
    .map((count) => ({ name: `kraken-${count}`, scenario: plain(count), isKraken: true }));
  const hardCount = hostCount ?? hardHostCount;
  return hardCount > hardHostCountMax ? kraken : [...kraken, ...harder(plain(hardCount))];
}

function harder(plain: Scenario): SimulatedCase[] {
  const scenarios: Readonly<Record<string, Scenario>> = {
    cold: { ...plain, coldBytesPerSecond: bytesPerSecond },
    churn: { ...plain, churnPart: 0.05 },
    slow: { ...plain, slow: { part: 0.01, factor: 10 } },
    zones: { ...plain, zones: { count: 3, latencyMs: 2, borderBytesPerSecond: 1.25e9 } },
    layer: { ...plain, blobSizes: [layerBytes], seederCount: 1, hasReaders: true },
  };
  return Object.entries(scenarios).map(([name, scenario]) => ({
    ...{ name: `${name}-${plain.hostCount}`, scenario, isKraken: false },
  }));
}
