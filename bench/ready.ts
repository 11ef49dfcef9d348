import assert from "node:assert/strict";

import { withDisposeStack } from "../core/async/dispose-stack.ts";
import { CriClient } from "../integration/support/cri-client.ts";
import { pauseImage } from "../integration/support/sample-images.ts";
import { alternate } from "./alternate.ts";
import { assertFromSwarm } from "./containerd/from-swarm.ts";
import { pauseRepository, startNode, type Node, type NodeKind } from "./containerd/node.ts";
import { startOrigin, type Origin } from "./containerd/origin.ts";
import { publish, type PublishedImage } from "./containerd/publish.ts";
import type { Figure } from "./figure.ts";
import { levelFileState } from "./file-state.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { layeredImage, warmUpImage } from "./pull-images.ts";

/** Compressed: an image of some frameworks, between 100 MB and 1 GB. */
const defaultSizeBytes = 500_000_000;

/** Images by the number of their layers, and what part of plain containerd's time is theirs. */
const layerCounts = [
  { layerCount: 1, atMost: 0.9 },
  { layerCount: 8, atMost: 0.6 },
  { layerCount: 40, atMost: 0.6 },
];

/** Files are written once compressed and once, twice as large, unpacked. */
const writtenPerByte = 3;

/** How long it takes until a container runs of an image that the node has nothing of. */
export const ready: Measurement = {
  name: "ready",
  summary: "from PullImage to a pod that runs, 1, 8 and 40 layers: against plain containerd",
  rounds: 5,
  withinMs: 60 * 60_000,
  run: measureReady,
};

async function measureReady(context: BenchContext): Promise<readonly Figure[]> {
  const { directory, signal, stack, sizeBytes = defaultSizeBytes } = context;
  const origin = stack.use(await startOrigin({ directory, withSwarm: true, signal }));
  await publish(pauseImage, { name: "pause", origin, context, repository: pauseRepository });
  const warmUp = await publish(warmUpImage, { name: "warm-up", origin, context });
  const figures: Figure[] = [];
  for (const { layerCount, atMost } of layerCounts) {
    const name = `${layerCount}-layers`;
    const plan = layeredImage(layerCount, sizeBytes);
    const image = await publish(plan, { name, origin, context });
    figures.push(...(await compare(image, { name, atMost, origin, warmUp, context })));
  }
  return figures;
}

interface Comparison {
  readonly name: string;
  readonly atMost: number;
  readonly origin: Origin;
  /** An image that new nodes have run before anything is measured. */
  readonly warmUp: PublishedImage;
  readonly context: BenchContext;
}

async function compare(
  image: PublishedImage,
  { name, atMost, origin, warmUp, context }: Comparison,
): Promise<Figure[]> {
  const { rounds, signal, directory, tell } = context;
  const readyBy = (kind: NodeKind) => () =>
    withDisposeStack(async (stack) => {
      const node = stack.use(await startNode(kind, origin, { withCri: true }));
      if (kind === "plain") assert.equal(node.containerd.snapshotter, "overlayfs");
      const cri = stack.use(await CriClient.open(node.containerd.socketPath));
      await runPod(cri, warmUp);
      await levelFileState(directory, writtenPerByte * image.size);
      const times = await runPod(cri, image);
      await assertRemote(node, image);
      return times;
    });
  const { ours, reference } = await alternate(
    { ours: readyBy("ours-with-snapshots"), reference: readyBy("plain") },
    { rounds, signal, onTurn: (side, round) => tell(`${name}, round ${round + 1}: ${side}`) },
  );
  const figureOf = (what: keyof PodTimes) => ({
    unit: "ms",
    ours: ours.map((times) => times[what]),
    reference: reference.map((times) => times[what]),
  });
  return [
    { name: `ready.${name}`, ...figureOf("readyMs"), hold: { atMost } },
    { name: `ready.${name}.pull`, ...figureOf("pulledMs") },
  ];
}

interface PodTimes {
  readonly pulledMs: number;
  readonly readyMs: number;
}

/** Pulls an image and runs a pod of it, as a kubelet does; the pod is removed again. */
async function runPod(cri: CriClient, { reference }: PublishedImage): Promise<PodTimes> {
  const start = performance.now();
  await cri.pullImage(reference);
  const pulledMs = performance.now() - start;
  const pod = await cri.startContainer(reference, ["sleep", "86400"]);
  const readyMs = performance.now() - start;
  await cri.removePod(pod);
  return { pulledMs, readyMs };
}

/** What containerd fetched or unpacked itself tells nothing of us. */
async function assertRemote({ proxy }: Node, { layers, size }: PublishedImage): Promise<void> {
  if (!proxy) return;
  await assertFromSwarm(proxy, size);
  const unpacked = (await proxy.status()).layers ?? [];
  const done = new Set(
    unpacked.filter(({ state }) => state === "done").map(({ digest }) => digest),
  );
  const missing = layers.filter(({ digest }) => !done.has(digest));
  assert(missing.length === 0, `containerd unpacked ${missing.length} of ${layers.length} layers`);
}
