import { join } from "node:path";

import { createNetwork, type BorderTraffic } from "../integration/support/network.ts";
import { alternate } from "./alternate.ts";
import { startTracker } from "./daemons.ts";
import type { Figure } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { requireNamespaces } from "./require-namespaces.ts";
import { writeSampleBlob } from "./sample-blob.ts";
import { doneSeconds } from "./swarm/crowd-curves.ts";
import { crowdOnce, type CrowdOptions, type CrowdResult } from "./swarm/crowd-once.ts";

const defaultSizeBytes = 64 * 2 ** 20;

const nodesPerZone = 5;

/** The seeder is in the first of them. */
const zoneNames = ["a", "b", "c"] as const;

/** Rate of the way into each zone, and out of it: thin, for nodes have four times as much each. */
const borderBitsPerSecond = 50e6;

const nodeBitsPerSecond = 200e6;

/** How many times size ÷ rate of a border a node may take: each node by itself takes five. */
const patience = 20;

/** What crosses the borders of zones when all nodes of some want a blob at once. */
export const topology: Measurement = {
  name: "topology",
  summary: "64 MiB from one seeder to 3 zones of 5 nodes: copies over each border",
  rounds: 1,
  withinMs: 15 * 60_000,
  run: measureTopology,
};

interface ZonedResult {
  readonly crowd: CrowdResult;
  readonly borders: readonly BorderTraffic[];
}

async function measureTopology(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, directory, signal, stack, tell, sizeBytes = defaultSizeBytes } = context;
  await requireNamespaces();
  const zones = zoneNames.map((zone, index) => {
    const nodes = Array.from({ length: nodesPerZone }, (_, node) => `${zone}${node + 1}`);
    return { zone, nodes, hosts: index === 0 ? ["seeder", ...nodes] : nodes };
  });
  const limited = zones.flatMap(({ hosts }) => hosts);
  const network = stack.use(
    await createNetwork({
      hosts: ["tracker", ...limited],
      bitsPerSecond: Object.fromEntries(limited.map((name) => [name, nodeBitsPerSecond])),
      zones: zones.map(({ hosts }) => ({ hosts, bitsPerSecond: borderBitsPerSecond })),
    }),
  );
  stack.use(await startTracker({ on: network.host("tracker"), directory, signal }));
  const blobDirectory = join(directory, "blob");
  const blob = await writeSampleBlob({ size: sizeBytes, seed: "zones", directory: blobDirectory });

  const idealSeconds = (sizeBytes * 8) / borderBitsPerSecond;
  const withinMs = idealSeconds * 1000 * patience;
  const options: CrowdOptions = {
    ...{ engine: "shoal", blob, network, directory, signal, withinMs },
    nodes: zones.flatMap(({ nodes }) => nodes.map((name) => ({ name }))),
  };
  const once = async (more: Partial<CrowdOptions>): Promise<ZonedResult> => {
    const before = await network.borderTraffic();
    const crowd = await crowdOnce({ ...options, ...more });
    const after = await network.borderTraffic();
    return { crowd, borders: after.map((total, index) => since(before[index], total)) };
  };
  const places = new Map(zones.flatMap(({ zone, hosts }) => hosts.map((name) => [name, { zone }])));
  const { labelled, blind } = await alternate(
    { labelled: () => once({ places }), blind: () => once({}) },
    { rounds, signal, onTurn: (side, round) => tell(`round ${round + 1}: ${side}`) },
  );
  const [into, ...others] = figuresOf(labelled, { idealSeconds, sizeBytes });
  const unnamed = figuresOf(blind, { idealSeconds, sizeBytes });
  return [
    ...(into ? [{ ...into, hold: { atMost: 1.5 } }] : []),
    ...others,
    ...unnamed.map((figure) => ({ ...figure, name: `${figure.name}.without-labels` })),
  ];
}

function since(before: BorderTraffic | undefined, total: BorderTraffic): BorderTraffic {
  return { into: total.into - (before?.into ?? 0), out: total.out - (before?.out ?? 0) };
}

/** Copies over the border of the zone that has most, in each direction, and when all were done. */
function figuresOf(
  results: readonly ZonedResult[],
  { idealSeconds, sizeBytes }: { readonly idealSeconds: number; readonly sizeBytes: number },
): Figure[] {
  const most = (direction: keyof BorderTraffic) =>
    results.map(({ borders }) => Math.max(...borders.map((one) => one[direction])) / sizeBytes);
  const last = results.map(({ crowd }) => Math.max(...doneSeconds(crowd, idealSeconds * patience)));
  return [
    { name: "topology.into-zone", unit: "copies", ours: most("into") },
    { name: "topology.out-of-zone", unit: "copies", ours: most("out") },
    { name: "topology.last", unit: "s", ours: last, reference: last.map(() => idealSeconds) },
  ];
}
