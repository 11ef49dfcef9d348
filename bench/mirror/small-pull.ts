import { join } from "node:path";

import { pause } from "../../core/async/pause.ts";
import { CriClient } from "../../integration/support/cri-client.ts";
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

/**
 * Milliseconds between pulls: what a node does after one counts for no other. Longer than a mirror
 * waits until it stores manifests.
 */
const pauseMs = 2000;

/**
 * What a pull costs more that asks us first, and that the swarm cannot help.
 *
 * NOTE: as a kubelet pulls, for ctr tells of its progress each 100 ms, and ends with the next
 * time that it does: a millisecond more is 100 or nothing.
 */
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
    const node = stack.use(await startNode(kind, origin, { withTracker: true, withCri: true }));
    const cri = stack.use(await CriClient.open(node.containerd.socketPath));
    await cri.untilReady();
    const left = references.values();
    const pullNext = async () => {
      await pause(pauseMs, signal);
      const start = performance.now();
      await cri.pullImage(left.next().value ?? "");
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
