import { createDeadline } from "../core/async/deadline.ts";
import { Limiter } from "../core/async/limiter.ts";
import type { Figure } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { writePlot } from "./plot/write-plot.ts";
import {
  bytesPerSecond,
  krakenSizeBytes,
  layerCount,
  type SimulatedCase,
  simulatedCases,
} from "./simulate/cases.ts";
import { simulateCrowd, type CrowdOutcome, type CrowdProgress } from "./simulate/crowd.ts";
import type { Scenario } from "./simulate/scenario.ts";
import { simulateInThread } from "./simulate/simulation-thread.ts";
import { percentile } from "./statistics.ts";
import { flashCrowdNodeCount, flashCrowdSizeBytes } from "./swarm/flash-crowd-links.ts";

/** Crowds that are simulated at once: a core each, which the smallest of machines has. */
const threadCount = 2;

/** How often each crowd says how far it is. */
const tellMs = 10_000;

/** Links as `flash-crowd` has them: each frame carries headers of 66 bytes, which count there. */
const calibration = { bitsPerSecond: 50e6, payloadShare: 8948 / 9014 } as const;

/** How a crowd of any size would get its image, by the rules that our nodes follow. */
export const simulate: Measurement = {
  name: "simulate",
  summary: "3 GB from 5 seeders to 100 and 1000, or --nodes, simulated hosts by our crowd logic",
  rounds: 1,
  // Of 15,000 hosts on a slow machine.
  withinMs: 4 * 60 * 60_000,
  run: measureSimulated,
};

async function measureSimulated(context: BenchContext): Promise<readonly Figure[]> {
  const { nodeCount: hostCount, sizeBytes = krakenSizeBytes } = context;
  const measured = await measureCases(simulatedCases({ hostCount, sizeBytes }), context);
  const idealSeconds = sizeBytes / bytesPerSecond;
  await writePlot(context, "simulate", {
    title: `Simulated hosts, ${sizeBytes / 1e6} MB in ${layerCount} layers, 300 MB/s`,
    curves: measured.map(({ name, outcome }) => ({
      ...{ name, doneSeconds: secondsOf(outcome), nodeCount: outcome.countedHosts },
    })),
    marks: [{ name: "size ÷ rate", seconds: idealSeconds }],
  });
  const figures = measured.flatMap((each) => figuresOf(each));
  return [...figures, ...calibrationFigures()];
}

interface MeasuredCase extends SimulatedCase {
  readonly outcome: CrowdOutcome;
}

/** When one fails the others are ended. */
async function measureCases(
  cases: readonly SimulatedCase[],
  context: BenchContext,
): Promise<readonly MeasuredCase[]> {
  const limiter = new Limiter(threadCount);
  const deadline = createDeadline(context.signal);
  const { signal } = deadline;
  try {
    return await Promise.all(
      cases.map((each) => limiter.run(signal, () => measureCase(each, { ...context, signal }))),
    );
  } finally {
    deadline.abort();
    deadline[Symbol.dispose]();
  }
}

async function measureCase(
  each: SimulatedCase,
  { signal, tell }: BenchContext,
): Promise<MeasuredCase> {
  const { name, scenario } = each;
  const startMs = performance.now();
  let toldMs = startMs;
  const onProgress = ({ timeMs, doneHosts }: CrowdProgress) => {
    const nowMs = performance.now();
    if (nowMs - toldMs < tellMs) return;
    toldMs = nowMs;
    const simulated = `${(timeMs / 1000).toFixed(2)} s simulated in ${seconds(nowMs - startMs)} s`;
    tell(`${name}: ${simulated}, ${doneHosts} of ${scenario.hostCount} hosts done`);
  };
  const outcome = await simulateInThread(scenario, { signal, onProgress });
  tell(`${name}: ${outcome.eventCount} events in ${seconds(performance.now() - startMs)} s`);
  return { ...each, outcome };
}

function figuresOf({ name, isKraken, scenario, outcome }: MeasuredCase): Figure[] {
  const sizeBytes = scenario.blobSizes.reduce((sum, bytes) => sum + bytes, 0);
  const idealSeconds = sizeBytes / scenario.bytesPerSecond;
  const doneSeconds = secondsOf(outcome);
  const prefix = `simulate.${name}`;
  const at = (what: string, fraction: number, atMost: number) => ({
    ...{ name: `${prefix}.${what}`, unit: "s", ours: [percentile(doneSeconds, fraction)] },
    ...{ reference: [idealSeconds], ...(isKraken ? { hold: { atMost } } : {}) },
  });
  const sent = Math.max(...outcome.seederBytes) / sizeBytes;
  const border = Math.max(...outcome.borderBytes) / sizeBytes;
  const missed = outcome.countedHosts - doneSeconds.length;
  return [
    at("p50", 0.5, 1.05),
    at("p99", 0.99, 1.3),
    at("p99.9", 0.999, 1.5),
    { name: `${prefix}.seeder-sent`, unit: "copies", ours: [sent] },
    { name: `${prefix}.missed`, unit: "hosts", ours: [missed] },
    ...firstByteFigures(prefix, outcome),
    ...(border > 0 ? [{ name: `${prefix}.border`, unit: "copies", ours: [border] }] : []),
  ];
}

/** What those see who read a blob from its start: the last of them, as in the measurement `reader`. */
function firstByteFigures(prefix: string, { readings }: CrowdOutcome): Figure[] {
  if (readings.length === 0) return [];
  const first = readings.map(({ firstPieceMs }) => firstPieceMs);
  return [{ name: `${prefix}.first-byte`, unit: "ms", ours: [Math.max(...first)] }];
}

/** The crowds of the measurements `flash-crowd` and `reader`, to see how far the simulation is from what is measured. */
function calibrationFigures(): Figure[] {
  const { bitsPerSecond, payloadShare } = calibration;
  const rate = (bitsPerSecond / 8) * payloadShare;
  const crowd: Scenario = {
    ...{ hostCount: flashCrowdNodeCount, blobSizes: [flashCrowdSizeBytes], bytesPerSecond: rate },
    ...{ seederCount: 1, trackerCount: 1, latencyMs: 0.1, seed: 1 },
  };
  const doneSeconds = secondsOf(simulateCrowd(crowd));
  const reference = [(flashCrowdSizeBytes * 8) / bitsPerSecond];
  const figure = { unit: "s", reference };
  return [
    { ...figure, name: "simulate.flash-crowd.p50", ours: [percentile(doneSeconds, 0.5)] },
    { ...figure, name: "simulate.flash-crowd.p99", ours: [percentile(doneSeconds, 0.99)] },
    ...firstByteFigures("simulate.reader", simulateCrowd({ ...crowd, hasReaders: true })),
  ];
}

function secondsOf({ doneMs }: CrowdOutcome): number[] {
  return doneMs.map((each) => each / 1000);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(0);
}
