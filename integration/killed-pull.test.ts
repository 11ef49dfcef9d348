import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import type { ClusterNode } from "./support/cluster.ts";
import { containerdLines } from "./support/containerd-release.ts";
import { CriClient } from "./support/cri-client.ts";
import type { ImagePlan } from "./support/image.ts";
import { pullUntil, type PullMoment } from "./support/pull-moment.ts";
import { preheat } from "./support/preheat.ts";
import { untilDiskAgrees } from "./support/snapshot-folders.ts";
import { criNamespace } from "./support/snapshotter-node.ts";
import { startTestCluster, type PushedImage } from "./support/test-cluster.ts";

/** Layers of every compression, and more of them than are unpacked at once. */
const compressions = ["gzip", "zstd", "none", "gzip", "none", "zstd"] as const;

/** Where pulls are interrupted; each line of containerd has its share of them. */
const moments: readonly PullMoment[] = [
  ...[0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map((received) => ({ received })),
  ...[1, 2, 3, 4, 5, 6].map((unpacked) => ({ unpacked })),
  ...[1, 2, 3, 4, 5].map((committed) => ({ committed })),
];

/** Slow enough for a pull of some megabytes to be caught in the middle. */
const slowBitsPerSecond = 60_000_000;

/** Two nodes share the moments of a line: most of the time is spent on waiting. */
const nodes = ["node1", "node2"] as const;

for (const [lineIndex, line] of containerdLines.entries()) {
  test(`a pull by containerd ${line} whose layers we unpack leaves nothing bad when we are killed`, async (t) => {
    const cluster = await startTestCluster(t, {
      ...{ line, nodes, withCri: true, withSnapshots: true },
      bitsPerSecond: Object.fromEntries(nodes.map((name) => [name, slowBitsPerSecond])),
    });
    const { seeder } = cluster;
    assert.ok(seeder);
    const ofLine = moments.filter((_, index) => index % containerdLines.length === lineIndex);
    await Promise.all(
      cluster.nodes.map(async (node, index) => {
        const cri = cluster.stack.use(await CriClient.open(node.containerd.socketPath));
        for (const moment of ofLine.filter((_, at) => at % nodes.length === index)) {
          const pushed = await cluster.push(imageOf(`killed at ${JSON.stringify(moment)}`));
          await preheat(pushed.reference, { seeder });
          await killAndRepeat(pushed, { node, cri, moment });
        }
      }),
    );
  });
}

/** Has a pull interrupted at a moment, and done again. */
async function killAndRepeat(
  pushed: PushedImage,
  options: { readonly node: ClusterNode; readonly cri: CriClient; readonly moment: PullMoment },
): Promise<void> {
  const { reference } = pushed;
  const { node, cri, moment } = options;
  const { containerd, proxy, snapshotsPath } = node;
  assert.ok(proxy);
  const socket = join(containerd.directory, "content.sock");
  const when = `killed at ${JSON.stringify(moment)}`;
  const pull = () => cri.pullImage(reference);
  const { outcome } = await pullUntil(moment, pushed, { node, pull });

  await proxy.kill9();
  await proxy.resume();
  await outcome;
  await cri.pullOnceReconnected(reference);

  const argv = ["sh", "-c", "cat /var/lib/shoal/*"];
  const said = await containerd.runContainer(reference, argv, { namespace: criNamespace });
  assert.equal(said, compressions.map((_, index) => `${when} ${index}\n`).join(""));
  await cri.removeImage(reference);
  assert.deepEqual(await untilDiskAgrees(socket, snapshotsPath), [], when);
}

function imageOf(seed: string): ImagePlan {
  const layer = { of: "random", sizeBytes: 700_000 } as const;
  return { seed, layers: compressions.map((compression) => ({ ...layer, compression })) };
}
