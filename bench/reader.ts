import { join } from "node:path";

import { alternate } from "./alternate.ts";
import type { Figure } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { writePlot } from "./plot/write-plot.ts";
import { writeSampleBlob } from "./sample-blob.ts";
import { median } from "./statistics.ts";
import { completionCurve, doneSeconds } from "./swarm/crowd-curves.ts";
import { crowdOnce, type CrowdResult } from "./swarm/crowd-once.ts";
import { nodeNames, openCrowdStand } from "./swarm/crowd-stand.ts";
import { describeCrowd } from "./swarm/describe-crowd.ts";
import {
  flashCrowdLinks,
  flashCrowdNodeCount,
  flashCrowdPatience,
  flashCrowdSizeBytes,
} from "./swarm/flash-crowd-links.ts";
import type { ReaderReport } from "./swarm/leecher-report.ts";
import { writeWarmUpBlob } from "./swarm/warm-up-blob.ts";

/** What somebody sees who reads the blob from its start on each node of a flash crowd. */
export const reader: Measurement = {
  name: "reader",
  summary:
    "a reader on each node of the flash crowd: first byte, longest wait, and the crowd's time",
  rounds: 3,
  withinMs: 60 * 60_000,
  run: measureReaders,
};

async function measureReaders(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, directory, signal, tell, sizeBytes = flashCrowdSizeBytes } = context;
  const names = nodeNames(context.nodeCount ?? flashCrowdNodeCount);
  const network = await openCrowdStand(context, { nodes: names, ...flashCrowdLinks });
  const blobDirectory = join(directory, "blob");
  const blob = await writeSampleBlob({ size: sizeBytes, seed: "reader", directory: blobDirectory });
  const warmUp = await writeWarmUpBlob(directory);

  const idealSeconds = (sizeBytes * 8) / flashCrowdLinks.bitsPerSecond;
  const withinMs = idealSeconds * 1000 * flashCrowdPatience;
  const nodes = names.map((name) => ({ name }));
  const common = { blob, warmUp, network, nodes, withinMs, directory, signal };
  const crowd = async (withReaders: boolean) => {
    const result = await crowdOnce({ engine: "shoal", ...common, withReaders });
    tell(describeCrowd(result));
    return result;
  };
  const { readers, alone } = await alternate(
    { readers: () => crowd(true), alone: () => crowd(false) },
    { rounds, signal, onTurn: (side, round) => tell(`round ${round + 1}: ${side}`) },
  );
  await writePlot(context, "reader", {
    title: `${names.length} nodes with readers and without, ${sizeBytes / 1e6} MB`,
    curves: [completionCurve("with readers", readers), completionCurve("without", alone)],
    marks: [{ name: "size ÷ rate", seconds: idealSeconds }],
  });
  return figuresOf(readers, alone, { lostSeconds: withinMs / 1000 });
}

function figuresOf(
  readers: readonly CrowdResult[],
  alone: readonly CrowdResult[],
  { lostSeconds }: { readonly lostSeconds: number },
): Figure[] {
  const seconds = (of: (each: readonly number[]) => number) => (crowd: CrowdResult) =>
    of(doneSeconds(crowd, lostSeconds));
  const last = seconds((each) => Math.max(...each));
  const middle = seconds(median);
  // A reader of a node that was never done has waited for all of that time.
  const worst = (of: (report: ReaderReport) => number) =>
    readers.map(({ nodes }) =>
      Math.max(
        ...nodes.map(({ report }) => (report?.reader ? of(report.reader) : lostSeconds * 1000)),
      ),
    );
  const inSeconds = (milliseconds: readonly number[]) => milliseconds.map((each) => each / 1000);
  const reference = alone.map(last);
  return [
    {
      ...{ name: "reader.first-byte", unit: "ms", hold: { atMost: 1000 } },
      ours: worst(({ firstByteMs }) => firstByteMs),
    },
    {
      ...{ name: "reader.longest-wait", unit: "s", reference, hold: { atMost: 1 } },
      ours: inSeconds(worst(({ longestWaitMs }) => longestWaitMs)),
    },
    {
      ...{ name: "reader.whole", unit: "s", reference },
      ours: inSeconds(worst(({ wholeMs }) => wholeMs)),
    },
    {
      ...{ name: "reader.crowd-p50", unit: "s" },
      ours: readers.map(middle),
      reference: alone.map(middle),
    },
    { name: "reader.crowd-last", unit: "s", ours: readers.map(last), reference },
  ];
}
