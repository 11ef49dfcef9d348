import { withDisposeStack } from "../core/async/dispose-stack.ts";
import type { ImagePlan } from "../integration/support/image.ts";
import { alternate } from "./alternate.ts";
import { assertFromSwarm } from "./containerd/from-swarm.ts";
import { startNode, type NodeKind } from "./containerd/node.ts";
import { startOrigin, type Origin } from "./containerd/origin.ts";
import { publish } from "./containerd/publish.ts";
import type { Figure } from "./figure.ts";
import { levelFileState } from "./file-state.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { image10MB, image500MB, scaled, warmUpImage } from "./pull-images.ts";

/** Compressed size that the plan of the large image is made for. */
const planSizeBytes = 500_000_000;

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
