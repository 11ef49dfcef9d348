import assert from "node:assert/strict";
import { test } from "node:test";

import { rendezvousOrder } from "../core/rendezvous.ts";
import { downloadedBytes } from "./support/access-log.ts";
import type { ClusterNode } from "./support/cluster.ts";
import { requestHttp } from "./support/http.ts";
import { preheat } from "./support/preheat.ts";
import { blobsGivenTwice, blobsTakenBy } from "./support/registry-traffic.ts";
import { smallImage } from "./support/sample-images.ts";
import { seederUrl } from "./support/shoal-config.ts";
import { checkedBlobs } from "./support/store-files.ts";
import { type PushedImage, startTestCluster } from "./support/test-cluster.ts";
import { untilReceived } from "./support/traffic.ts";

/** Slow enough for a pull of some megabytes to be caught in the middle. */
const slowBitsPerSecond = 20_000_000;

/** What has arrived at a node when its seeder is killed: no layer is whole by then. */
const arrivedBytes = 1_500_000;

test("two seeders of two nodes", async (t) => {
  const bitsPerSecond = { registry: slowBitsPerSecond };
  const nodes = ["node1", "node2"];
  const cluster = await startTestCluster(t, { line: "1.7", nodes, seeders: 2, bitsPerSecond });
  const { registry, seeders } = cluster;
  const [node] = cluster.nodes;
  assert.ok(node?.proxy);
  const { proxy } = node;
  const pullEverywhere = async ({ reference }: PushedImage) =>
    Promise.all(cluster.nodes.map(({ containerd }) => containerd.pull(reference)));

  await t.test("take each blob from the registry once for a cold pull", async () => {
    const pushed = await cluster.push(smallImage("cold of two seeders"));
    await pullEverywhere(pushed);
    const requests = await registry.requests();
    for (const { host } of cluster.nodes) assert.deepEqual(blobsTakenBy(host, requests), []);
    assert.deepEqual(blobsGivenTwice(requests), []);
    const taken = seeders.flatMap(({ on }) => blobsTakenBy(on, requests));
    assert.equal(taken.length, blobsOf(pushed).length);
    for (const each of cluster.nodes) await assertGood(each, pushed);
  });

  await t.test(
    "take each blob from the registry once when both are told to have an image",
    async () => {
      const pushed = await cluster.push(smallImage("preheat of two seeders"));
      await Promise.all(seeders.map((seeder) => preheat(pushed.reference, { seeder })));
      const requests = await registry.requests();
      assert.deepEqual(blobsGivenTwice(requests), []);
      const taken = seeders.flatMap(({ on }) => blobsTakenBy(on, requests));
      assert.equal(taken.length, blobsOf(pushed).length);
      for (const seeder of seeders) {
        for (const digest of blobsOf(pushed)) {
          const path = `/v1/blobs/${digest}`;
          const { status } = await requestHttp(seeder.admin, { method: "HEAD", path });
          assert.equal(status, 200);
        }
      }
    },
  );

  await t.test("take two copies of a blob at most when one of them is killed", async () => {
    const pushed = await cluster.push(smallImage("killed of two seeders"));
    const [largest] = layersOf(pushed).toSorted((one, other) => other.size - one.size);
    assert.ok(largest);
    const [responsible] = rendezvousOrder(
      largest.digest,
      seeders.map(({ on }) => seederUrl(on)),
    );
    const seeder = seeders.find(({ on }) => seederUrl(on) === responsible);
    const pulls = pullEverywhere(pushed);
    await untilReceived(proxy, arrivedBytes);
    await seeder?.kill9();
    await pulls;
    const requests = await registry.requests();
    const size = layersOf(pushed).reduce((sum, layer) => sum + layer.size, 0);
    assert.ok(
      downloadedBytes(requests) <= 2 * size,
      `${downloadedBytes(requests)} of ${size} bytes`,
    );
    for (const each of cluster.nodes) await assertGood(each, pushed);
  });
});

function layersOf({ image }: PushedImage) {
  return image.manifests.flatMap(({ layers }) => layers);
}

/** Config and layers. */
function blobsOf(pushed: PushedImage): readonly string[] {
  const configs = pushed.image.manifests.map(({ config }) => config);
  return [...configs, ...layersOf(pushed)].map(({ digest }) => digest);
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
