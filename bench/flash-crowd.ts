import { join } from "node:path";

import { ensurePackages } from "../integration/support/apt-packages.ts";
import { alternate } from "./alternate.ts";
import type { Figure } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { writePlot } from "./plot/write-plot.ts";
import { writeSampleBlob } from "./sample-blob.ts";
import { percentile } from "./statistics.ts";
import { completionCurve, doneSeconds } from "./swarm/crowd-curves.ts";
import { crowdOnce, type CrowdNode, type CrowdResult } from "./swarm/crowd-once.ts";
import { nodeNames, openCrowdStand } from "./swarm/crowd-stand.ts";
import { describeCrowd } from "./swarm/describe-crowd.ts";
import {
  flashCrowdLinks,
  flashCrowdNodeCount,
  flashCrowdPatience as patience,
  flashCrowdSizeBytes,
} from "./swarm/flash-crowd-links.ts";
import { enginePackages, engines, type Engine } from "./swarm/start-peer.ts";
import { writeWarmUpBlob } from "./swarm/warm-up-blob.ts";

/** The runs of each round: all nodes begin at once in all but the second. */
const crowdPlans = ["together", "joining", "killing", "slow"] as const;

type CrowdPlan = (typeof crowdPlans)[number];

/** In the second run nodes come one after the other over this time. */
const joiningMs = 10_000;

/** In the third run these are killed when half of the time that all need is over. */
const killedCount = 3;

/** In the fourth run the link of one node is so many times slower than the others. */
const slowerBy = 10;

/** What a crowd of cold nodes takes that all want the same at once, against size ÷ rate. */
export const flashCrowd: Measurement = {
  name: "flash-crowd",
  summary:
    "200 MB from one seeder to 16 nodes behind equal links, also with joins, deaths, a slow one",
  rounds: 3,
  withinMs: 60 * 60_000,
  run: measureFlashCrowd,
};

async function measureFlashCrowd(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, directory, signal, tell, sizeBytes = flashCrowdSizeBytes } = context;
  const nodes = nodeNames(context.nodeCount ?? flashCrowdNodeCount);
  const slow = nodes.at(-1) ?? "";
  if (context.withOthers) await ensurePackages(enginePackages);
  const equal = await openCrowdStand(context, { nodes, ...flashCrowdLinks });
  const exceptions = { [slow]: flashCrowdLinks.bitsPerSecond / slowerBy };
  const unequal = await openCrowdStand(context, { nodes, ...flashCrowdLinks, exceptions });
  const blobDirectory = join(directory, "blob");
  const blob = await writeSampleBlob({ size: sizeBytes, seed: "flash", directory: blobDirectory });
  const warmUp = await writeWarmUpBlob(directory);

  const idealSeconds = (sizeBytes * 8) / flashCrowdLinks.bitsPerSecond;
  const plans = plansFor(nodes, { idealSeconds, slow });
  const run = async (plan: CrowdPlan, engine: Engine = "shoal") => {
    const network = plan === "slow" ? unequal : equal;
    const withinMs = idealSeconds * 1000 * patience;
    const common = { engine, blob, warmUp, network, withinMs, directory, signal };
    const result = await crowdOnce({ ...common, nodes: plans[plan] });
    tell(describeCrowd(result));
    return result;
  };
  const others = context.withOthers ? engines.filter((engine) => engine !== "shoal") : [];
  const results = await alternate<string, CrowdResult>(
    {
      ...Object.fromEntries(crowdPlans.map((plan) => [plan, () => run(plan)])),
      ...Object.fromEntries(others.map((engine) => [engine, () => run("together", engine)])),
    },
    { rounds, signal, onTurn: (side, round) => tell(`round ${round + 1}: ${side}`) },
  );
  await writePlot(context, "flash-crowd", {
    title: `${nodes.length} nodes and one seeder, ${sizeBytes / 1e6} MB, ${flashCrowdLinks.bitsPerSecond / 1e6} Mbit/s`,
    curves: Object.entries(results).map(([run, rounds]) => completionCurve(run, rounds)),
    marks: [{ name: "size ÷ rate", seconds: idealSeconds }],
  });
  return Object.entries(results).flatMap(([run, rounds]) =>
    figuresOf(run, rounds, { idealSeconds, sizeBytes }),
  );
}

/** What befalls the nodes in each run. */
function plansFor(
  nodes: readonly string[],
  { idealSeconds, slow }: { readonly idealSeconds: number; readonly slow: string },
): Readonly<Record<CrowdPlan, readonly CrowdNode[]>> {
  const stepMs = joiningMs / Math.max(1, nodes.length - 1);
  const killedMs = (idealSeconds * 1000) / 2;
  return {
    together: nodes.map((name) => ({ name })),
    joining: nodes.map((name, index) => ({ name, startMs: index * stepMs })),
    killing: nodes.map((name, index) => (index < killedCount ? { name, killedMs } : { name })),
    slow: nodes.map((name) => ({ name, isLeftBehind: name === slow })),
  };
}

interface Ideal {
  readonly idealSeconds: number;
  readonly sizeBytes: number;
}

/** The first run is held to more than the ones in which something happens; other engines to nothing. */
function figuresOf(run: string, rounds: readonly CrowdResult[], ideal: Ideal): Figure[] {
  const { idealSeconds, sizeBytes } = ideal;
  const prefix = run === "together" ? "flash-crowd" : `flash-crowd.${run}`;
  const isOurs = !engines.some((engine) => engine === run);
  const reference = rounds.map(() => idealSeconds);
  const seconds = rounds.map((round) => doneSeconds(round, idealSeconds * patience));
  const percentiles = (fraction: number) => seconds.map((each) => percentile(each, fraction));
  const copies = rounds.map(({ seederSentBytes }) => seederSentBytes / sizeBytes);
  const processors = rounds.map(({ processorShare }) => processorShare * 100);
  const held = (atMost: number, isHeld: boolean) => (isHeld ? { hold: { atMost } } : {});
  const isFirst = run === "together";
  return [
    {
      ...{ name: `${prefix}.p50`, unit: "s", ours: percentiles(0.5), reference },
      ...held(1.15, isFirst),
    },
    {
      ...{ name: `${prefix}.p99`, unit: "s", ours: percentiles(0.99), reference },
      ...held(1.3, isOurs),
    },
    { name: `${prefix}.seeder-sent`, unit: "copies", ours: copies, ...held(2, isFirst) },
    { name: `${prefix}.processors`, unit: "%", ours: processors },
  ];
}
