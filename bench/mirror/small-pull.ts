import { join } from "node:path";

import { pushImage } from "../../integration/support/image-push.ts";
import { buildImage } from "../../integration/support/image.ts";
import { alternate } from "../alternate.ts";
import { startNode, type NodeKind } from "../containerd/node.ts";
import { startOrigin } from "../containerd/origin.ts";
import { startTracker } from "../daemons.ts";
import type { Figure } from "../figure.ts";
import type { BenchContext } from "../measurement.ts";

/** Bytes of a small program that its layer has. */
const layerLength = 1_000_000;

/** What a pull costs more that asks us first, and that the swarm cannot help. */
export async function measureSmallPull(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, signal, stack, tell } = context;
  const directory = join(context.directory, "small");
  const origin = stack.use(await startOrigin({ directory, withSwarm: false, signal }));
  // Somebody who is asked, and does not know.
  stack.use(await startTracker(origin.place));
  tell("pushing an image for each round");
  const references: string[] = [];
  for (let round = 0; round <= rounds; round++) {
    const layers = [{ compression: "gzip", sizeBytes: layerLength, of: "random" }] as const;
    const image = await buildImage({ seed: `bench mirror ${round}`, layers }, { signal });
    references.push(await pushImage(image, origin.registry, { name: `bench/mirror${round}:1` }));
  }
  const pullsBy = async (kind: NodeKind) => {
    const { containerd } = stack.use(await startNode(kind, origin, { withTracker: true }));
    const left = references.values();
    const pullNext = async () => {
      const start = performance.now();
      await containerd.pull(left.next().value ?? "");
      return performance.now() - start;
    };
    // A node of a cluster has pulled before.
    await pullNext();
    return pullNext;
  };
  const [ours, reference] = [await pullsBy("mirror"), await pullsBy("plain")];
  const times = await alternate(
    { ours, reference },
    { rounds, signal, onTurn: (side, round) => tell(`small, round ${round + 1}: ${side}`) },
  );
  const added = times.ours.map((time, round) => time - (times.reference[round] ?? 0));
  return [
    { name: "mirror.small", unit: "ms", ours: added, hold: { atMost: 20 } },
    { name: "mirror.small.pull", unit: "ms", ...times },
  ];
}
