import assert from "node:assert/strict";
import { test } from "node:test";

import type { ClusterNode } from "./support/cluster.ts";
import { containerdLines } from "./support/containerd-release.ts";
import { blobsGivenTwice, blobsTakenBy } from "./support/registry-traffic.ts";
import { smallImage } from "./support/sample-images.ts";
import { checkedBlobs } from "./support/store-files.ts";
import { type PushedImage, startTestCluster } from "./support/test-cluster.ts";

/** An image that nobody but the registry has. */
for (const line of containerdLines) {
  test(`a cold pull by containerd ${line}`, async (t) => {
    const cluster = await startTestCluster(t, { line, nodes: ["node1", "node2"] });
    const { registry, network, nodes } = cluster;

    await t.test("by two nodes at once takes each layer from the registry once", async () => {
      const pushed = await cluster.push(smallImage(`cold ${line}`));
      await Promise.all(nodes.map(({ containerd }) => containerd.pull(pushed.reference)));
      const requests = await registry.requests();
      for (const { host } of nodes) assert.deepEqual(blobsTakenBy(host, requests), []);
      assert.deepEqual(blobsGivenTwice(requests), []);
      const blobs = blobsTakenBy(network.host("seeder"), requests);
      assert.equal(blobs.length, blobsOf(pushed).length);
      for (const node of nodes) await assertGood(node, pushed);
    });
  });
}

/** Config and layers. */
function blobsOf({ image }: PushedImage): readonly string[] {
  return image.manifests.flatMap(({ config, layers }) => [
    config.digest,
    ...layers.map(({ digest }) => digest),
  ]);
}

async function assertGood(
  { containerd, storePath }: ClusterNode,
  pushed: PushedImage,
): Promise<void> {
  const said = await containerd.runContainer(pushed.reference, ["echo", "up"]);
  assert.equal(said, "up\n");
  const stored = await checkedBlobs(storePath);
  for (const digest of blobsOf(pushed)) assert.ok(stored.includes(digest));
}
