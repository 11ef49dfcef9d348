import type { Figure } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { writePlot } from "./plot/write-plot.ts";
import { simulateCrowd, type CrowdOutcome } from "./simulate/crowd.ts";
import type { Scenario } from "./simulate/scenario.ts";
import { percentile } from "./statistics.ts";
import { flashCrowdNodeCount, flashCrowdSizeBytes } from "./swarm/flash-crowd-links.ts";

/** Kraken's published case has 2,600, which is 26 times the work: with so few it takes minutes. */
const defaultNodeCount = 100;

/** An image of 3 GB in two layers, as in Kraken's published case. */
const defaultSizeBytes = 3e9;
const layerCount = 2;

/** Kraken's rate of every host: 300 MB/s. */
const bytesPerSecond = 300e6;

/** Links as `flash-crowd` has them: each frame carries headers of 66 bytes, which count there. */
const calibration = { bitsPerSecond: 50e6, payloadShare: 8948 / 9014 } as const;

/** How a crowd of any size would get its image, by the rules that our nodes follow. */
export const simulate: Measurement = {
  name: "simulate",
  summary: "3 GB from 5 seeders to 100 or --nodes simulated hosts at 300 MB/s, by our crowd logic",
  rounds: 1,
  withinMs: 4 * 60 * 60_000,
  run: measureSimulated,
};

async function measureSimulated(context: BenchContext): Promise<readonly Figure[]> {
  const { tell, signal, nodeCount = defaultNodeCount, sizeBytes = defaultSizeBytes } = context;
  const idealSeconds = sizeBytes / bytesPerSecond;
  const figures: Figure[] = [];
  const curves = [];
  for (const [name, scenario] of Object.entries(scenariosFor(nodeCount, sizeBytes))) {
    signal.throwIfAborted();
    const startMs = performance.now();
    const outcome = simulateCrowd(scenario);
    const seconds = Math.round((performance.now() - startMs) / 1000);
    tell(`${name}: ${outcome.eventCount} events in ${seconds} s`);
    figures.push(...figuresOf(`simulate.${name}`, { outcome, sizeBytes, idealSeconds }));
    curves.push({ name, doneSeconds: secondsOf(outcome), nodeCount: outcome.countedHosts });
  }
  await writePlot(context, "simulate", {
    title: `${nodeCount} simulated hosts, ${sizeBytes / 1e6} MB in ${layerCount} layers, 300 MB/s`,
    curves,
    marks: [{ name: "size ÷ rate", seconds: idealSeconds }],
  });
  return [...figures, ...calibrationFigures()];
}

/** Harder and harder. What each is to tell stands in `simulate/scenario.ts`. */
function scenariosFor(hostCount: number, sizeBytes: number): Readonly<Record<string, Scenario>> {
  const layers = Array.from({ length: layerCount }, () => Math.floor(sizeBytes / layerCount));
  const plain: Scenario = {
    ...{ hostCount, blobSizes: layers, bytesPerSecond, seederCount: 5, trackerCount: 5 },
    ...{ latencyMs: 0.5, seed: 1 },
  };
  return {
    kraken: plain,
    cold: { ...plain, coldBytesPerSecond: bytesPerSecond },
    churn: { ...plain, churnPart: 0.05 },
    slow: { ...plain, slow: { part: 0.01, factor: 10 } },
    zones: { ...plain, zones: { count: 3, latencyMs: 2, borderBytesPerSecond: 1.25e9 } },
  };
}

function figuresOf(
  name: string,
  {
    outcome,
    sizeBytes,
    idealSeconds,
  }: { readonly outcome: CrowdOutcome; readonly sizeBytes: number; readonly idealSeconds: number },
): Figure[] {
  const seconds = secondsOf(outcome);
  const held = name === "simulate.kraken";
  const at = (what: string, fraction: number, atMost: number) => ({
    ...{ name: `${name}.${what}`, unit: "s", ours: [percentile(seconds, fraction)] },
    ...{ reference: [idealSeconds], ...(held ? { hold: { atMost } } : {}) },
  });
  const sent = Math.max(...outcome.seederBytes) / sizeBytes;
  const border = Math.max(...outcome.borderBytes) / sizeBytes;
  return [
    at("p50", 0.5, 1.05),
    at("p99", 0.99, 1.3),
    at("p99.9", 0.999, 1.5),
    { name: `${name}.seeder-sent`, unit: "copies", ours: [sent] },
    { name: `${name}.missed`, unit: "hosts", ours: [outcome.countedHosts - seconds.length] },
    ...(border > 0 ? [{ name: `${name}.border`, unit: "copies", ours: [border] }] : []),
  ];
}

/** The crowd of the measurement `flash-crowd`, to see how far the simulation is from what is measured. */
function calibrationFigures(): Figure[] {
  const { bitsPerSecond, payloadShare } = calibration;
  const rate = (bitsPerSecond / 8) * payloadShare;
  const outcome = simulateCrowd({
    ...{ hostCount: flashCrowdNodeCount, blobSizes: [flashCrowdSizeBytes], bytesPerSecond: rate },
    ...{ seederCount: 1, trackerCount: 1, latencyMs: 0.1, seed: 1 },
  });
  const seconds = secondsOf(outcome);
  const reference = [(flashCrowdSizeBytes * 8) / bitsPerSecond];
  const figure = { unit: "s", reference };
  return [
    { ...figure, name: "simulate.flash-crowd.p50", ours: [percentile(seconds, 0.5)] },
    { ...figure, name: "simulate.flash-crowd.p99", ours: [percentile(seconds, 0.99)] },
  ];
}

function secondsOf({ doneMs }: CrowdOutcome): number[] {
  return doneMs.map((each) => each / 1000);
}
