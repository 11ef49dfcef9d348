import { createNetwork } from "../integration/support/network.ts";
import { buildImage } from "../integration/support/image.ts";
import { alternate } from "./alternate.ts";
import { coldPullOnce } from "./containerd/cold-pull-once.ts";
import type { Figure } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { requireNamespaces } from "./require-namespaces.ts";
import { image500MB, scaled, warmUpImage } from "./pull-images.ts";

/** Compressed size that the plan of the image is made for. */
const planSizeBytes = 500_000_000;

const defaultNodeCount = 8;

/**
 * Rate of every link, in each direction. Slow enough for two processors to serve a registry, a
 * seeder and eight nodes: what is measured is how well links are used, not how fast the machine is.
 * With twice as much they have nothing to spare, and who asks waits for its turn to run.
 */
const bitsPerSecond = 50e6;

/** What a crowd costs that pulls what nobody but the registry has. */
export const coldCrowd: Measurement = {
  name: "cold-crowd",
  summary: "a cold image of 500 MB to 8 nodes at once: against one node alone from the registry",
  rounds: 3,
  withinMs: 60 * 60_000,
  run: measureColdCrowd,
};

async function measureColdCrowd(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, directory, signal, stack, tell, sizeBytes = planSizeBytes } = context;
  const length = context.nodeCount ?? defaultNodeCount;
  const nodes = Array.from({ length }, (_, index) => `node${index + 1}`);
  await requireNamespaces();
  const limited = ["registry", "seeder", ...nodes];
  const network = stack.use(
    await createNetwork({
      hosts: ["tracker", ...limited],
      bitsPerSecond: Object.fromEntries(limited.map((name) => [name, bitsPerSecond])),
    }),
  );
  const image = await buildImage(scaled(image500MB, sizeBytes / planSizeBytes), { signal });
  const warmUp = await buildImage(warmUpImage, { signal });
  const common = { image, warmUp, network, directory, signal };
  const { crowd, alone } = await alternate(
    {
      crowd: () => coldPullOnce({ ...common, nodes, isOurs: true }),
      alone: () => coldPullOnce({ ...common, nodes: nodes.slice(0, 1), isOurs: false }),
    },
    { rounds, signal, onTurn: (side, round) => tell(`round ${round + 1}: ${side}`) },
  );
  return [
    {
      ...{ name: "cold-crowd.egress", unit: "copies", hold: { atMost: 1.05 } },
      ours: crowd.map(({ copies }) => copies),
    },
    {
      ...{ name: "cold-crowd.last", unit: "s", hold: { atMost: 1.3 } },
      ours: crowd.map(({ wholeSeconds }) => Math.max(...wholeSeconds)),
      reference: alone.map(({ wholeSeconds }) => Math.max(...wholeSeconds)),
    },
    {
      ...{ name: "cold-crowd.first-bytes", unit: "ms", hold: { atMost: 300 } },
      ours: crowd.map(({ firstBytesMs }) => Math.min(...firstBytesMs)),
    },
    {
      ...{ name: "cold-crowd.first-bytes-last", unit: "ms" },
      ours: crowd.map(({ firstBytesMs }) => Math.max(...firstBytesMs)),
    },
  ];
}
