import { join } from "node:path";

import { ensurePackages } from "../integration/support/apt-packages.ts";
import { alternate } from "./alternate.ts";
import type { Figure } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { writePlot } from "./plot/write-plot.ts";
import { writeSampleBlob } from "./sample-blob.ts";
import { median } from "./statistics.ts";
import { completionCurve, doneSeconds } from "./swarm/crowd-curves.ts";
import { crowdOnce, type CrowdResult } from "./swarm/crowd-once.ts";
import { nodeNames, openCrowdStand } from "./swarm/crowd-stand.ts";
import { enginePackages, engines, type Engine } from "./swarm/start-peer.ts";

const defaultSizeBytes = 256 * 2 ** 20;

const nodes = nodeNames(8);

/**
 * Rate of every link, in each direction. Slow enough for two processors to serve nine
 * peers: what is measured is how well links are used, not how fast the machine is.
 */
const bitsPerSecond = 100e6;

/** How many times size ÷ rate a node may take before it counts as one that never ends. */
const patience = 20;

/** How well a crowd that begins at once spreads what one seeder has. */
export const swarmCrowd: Measurement = {
  name: "swarm-crowd",
  summary: "256 MiB from one seeder to 8 nodes behind equal links: against size/rate",
  rounds: 3,
  withinMs: 30 * 60_000,
  run: measureCrowd,
};

async function measureCrowd(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, directory, signal, tell, sizeBytes = defaultSizeBytes } = context;
  const compared: readonly Engine[] = context.withOthers ? engines : ["shoal"];
  if (context.withOthers) await ensurePackages(enginePackages);
  const network = await openCrowdStand(context, { nodes, bitsPerSecond });
  const blobDirectory = join(directory, "blob");
  const blob = await writeSampleBlob({ size: sizeBytes, seed: "crowd", directory: blobDirectory });

  const idealSeconds = (sizeBytes * 8) / bitsPerSecond;
  const options = {
    ...{ blob, network, directory, signal, withinMs: idealSeconds * 1000 * patience },
    nodes: nodes.map((name) => ({ name })),
  };
  const results = await alternate(
    Object.fromEntries(compared.map((engine) => [engine, () => crowdOnce({ ...options, engine })])),
    { rounds, signal, onTurn: (engine, round) => tell(`round ${round + 1}: ${engine}`) },
  );
  await writePlot(context, "swarm-crowd", {
    title: `${nodes.length} nodes and one seeder, ${Math.round(sizeBytes / 2 ** 20)} MiB`,
    curves: compared.map((engine) => completionCurve(engine, results[engine] ?? [])),
    marks: [{ name: "size ÷ rate", seconds: idealSeconds }],
  });
  return compared.flatMap((engine) => {
    const figures = figuresOf(results[engine] ?? [], { idealSeconds, sizeBytes });
    return engine === "shoal" ? heldTo(figures) : figures.map((figure) => named(figure, engine));
  });
}

/** Bounds what is ours to hold: when the last of the crowd is done. */
function heldTo([last, ...others]: readonly Figure[]): Figure[] {
  return last === undefined ? [] : [{ ...last, hold: { atMost: 1.4 } }, ...others];
}

function named(figure: Figure, engine: Engine): Figure {
  return { ...figure, name: `${figure.name}.${engine}` };
}

function figuresOf(
  results: readonly CrowdResult[],
  { idealSeconds, sizeBytes }: { readonly idealSeconds: number; readonly sizeBytes: number },
): Figure[] {
  const reference = results.map(() => idealSeconds);
  const seconds = results.map((result) => doneSeconds(result, idealSeconds * patience));
  const last = seconds.map((each) => Math.max(...each));
  const copies = results.map(({ seederSentBytes }) => seederSentBytes / sizeBytes);
  return [
    { name: "swarm-crowd.last", unit: "s", ours: last, reference },
    { name: "swarm-crowd.p50", unit: "s", ours: seconds.map(median), reference },
    { name: "swarm-crowd.seeder-sent", unit: "copies", ours: copies },
  ];
}
