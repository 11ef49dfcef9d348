import assert from "node:assert/strict";

import { withDisposeStack } from "../core/async/dispose-stack.ts";
import { preheat } from "../integration/support/preheat.ts";
import { pushImage } from "../integration/support/image-push.ts";
import { buildImage, sizeOfManifest, type ImagePlan } from "../integration/support/image.ts";
import type { ShoalDaemon } from "../integration/support/shoal-daemon.ts";
import { alternate } from "./alternate.ts";
import { startNode, type NodeKind } from "./containerd/node.ts";
import { startOrigin, type Origin } from "./containerd/origin.ts";
import type { Figure } from "./figure.ts";
import { levelFileState } from "./file-state.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { image10MB, image500MB, scaled, warmUpImage } from "./pull-images.ts";

/** Compressed size that the plan of the large image is made for. */
const planSizeBytes = 500_000_000;

/** How much of an image must have come from the swarm; containerd asks itself for a manifest. */
const fromSwarmMin = 0.95;

/** How long a pull takes when a seeder has all of the image. */
export const pull: Measurement = {
  name: "pull",
  summary: "images of 10 and 500 MB from a seeder: against containerd from a loopback registry",
  rounds: 5,
  withinMs: 20 * 60_000,
  run: measurePull,
};

async function measurePull(context: BenchContext): Promise<readonly Figure[]> {
  const { directory, signal, stack, sizeBytes = planSizeBytes } = context;
  const origin = stack.use(await startOrigin({ directory, withSwarm: true, signal }));
  const { reference: warmUp } = await publish(warmUpImage, { name: "warm-up", origin, context });
  const large = scaled(image500MB, sizeBytes / planSizeBytes);
  const common = { origin, warmUp, context };
  return [
    ...(await comparePulls(image10MB, { ...common, name: "10MB", atMost: 1 })),
    ...(await comparePulls(large, { ...common, name: "500MB", atMost: 1.25 })),
  ];
}

interface Comparison {
  readonly name: string;
  readonly atMost: number;
  readonly origin: Origin;
  /** An image that new nodes pull before anything is measured. */
  readonly warmUp: string;
  readonly context: BenchContext;
}

async function comparePulls(
  plan: ImagePlan,
  { name, atMost, origin, warmUp, context }: Comparison,
): Promise<Figure[]> {
  const { rounds, signal, directory, tell } = context;
  const { reference, size } = await publish(plan, { name, origin, context });
  const unpackedBytes = plan.layers.reduce((sum, layer) => sum + layer.sizeBytes, 0);
  const pullBy = (kind: NodeKind) => () =>
    withDisposeStack(async (stack) => {
      const { containerd, proxy } = stack.use(await startNode(kind, origin));
      await containerd.pull(warmUp);
      // Compressed and unpacked, both are written.
      await levelFileState(directory, 2 * unpackedBytes);
      const start = performance.now();
      await containerd.pull(reference);
      const durationMs = performance.now() - start;
      if (proxy) await assertFromSwarm(proxy, size);
      return durationMs;
    });
  const times = await alternate(
    { ours: pullBy("ours"), reference: pullBy("plain") },
    { rounds, signal, onTurn: (side, round) => tell(`${name}, round ${round + 1}: ${side}`) },
  );
  return [{ name: `pull.${name}`, unit: "ms", ...times, hold: { atMost } }];
}

/** A pull by which the registry has given much is none from a swarm. */
async function assertFromSwarm(proxy: ShoalDaemon, size: number): Promise<void> {
  const { traffic } = await proxy.status();
  const { peers = 0, seeders = 0, webSeeds = 0 } = traffic?.received ?? {};
  const received = peers + seeders + webSeeds;
  assert(received >= size * fromSwarmMin, `only ${received} of ${size} bytes came from the swarm`);
}

interface PublishedImage {
  readonly reference: string;
  /** Bytes of all its blobs. */
  readonly size: number;
}

/** Makes an image that the registry, the seeder and the tracker know. */
async function publish(
  plan: ImagePlan,
  options: { readonly name: string; readonly origin: Origin; readonly context: BenchContext },
): Promise<PublishedImage> {
  const { name, origin, context } = options;
  const { signal, tell } = context;
  const image = await buildImage(plan, { signal });
  const [manifest] = image.manifests;
  assert(manifest && origin.seeder);
  tell(`pushing and preheating ${name}, ${(sizeOfManifest(manifest) / 1e6).toFixed(1)} MB`);
  const repository = `bench/${name.toLowerCase()}:1`;
  const reference = await pushImage(image, origin.registry, { name: repository });
  await preheat(reference, { seeder: origin.seeder, signal });
  return { reference, size: sizeOfManifest(manifest) };
}
