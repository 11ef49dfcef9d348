import assert from "node:assert/strict";
import { test } from "node:test";

import { containerdLines } from "./support/containerd-release.ts";
import { CriClient } from "./support/cri-client.ts";
import { preheat } from "./support/preheat.ts";
import { askedByDigest, blobsTakenBy } from "./support/registry-traffic.ts";
import { dockerImage, smallImage } from "./support/sample-images.ts";
import { startTestCluster } from "./support/test-cluster.ts";

/** One cluster for each line, of which one service after the other goes away. */
for (const line of containerdLines) {
  test(`containerd ${line} with our content store`, async (t) => {
    const nodes = ["node1", "node2"];
    const cluster = await startTestCluster(t, { line, nodes, withCri: true });
    const { seeder, tracker, registry } = cluster;
    const [first, second] = cluster.nodes;
    assert.ok(first && second && seeder && tracker);

    for (const by of line === "2.x" ? (["ctr", "transfer"] as const) : (["ctr"] as const)) {
      await t.test(`pulls by ${by} what the seeder has, and asks for the tag alone`, async () => {
        const { reference } = await cluster.push(smallImage(`seeder ${line} ${by}`));
        await preheat(reference, { seeder });
        await registry.forgetRequests();

        await first.containerd.pull(reference, { by });

        const said = await first.containerd.runContainer(reference, ["echo", "up"]);
        assert.equal(said, "up\n");
        assert.deepEqual(askedByDigest(first.host, await registry.requests()), []);
      });
    }

    await t.test("pulls what the CRI asks for, with Docker's media types", async () => {
      const { image, reference } = await cluster.push(dockerImage(`cri ${line}`));
      await preheat(reference, { seeder });
      await registry.forgetRequests();
      const cri = cluster.stack.use(await CriClient.open(first.containerd.socketPath));

      const id = await cri.pullImage(reference);

      assert.equal(id, image.manifests[0]?.config.digest);
      assert.deepEqual(askedByDigest(first.host, await registry.requests()), []);
      const run = { namespace: "k8s.io" };
      const said = await first.containerd.runContainer(reference, ["echo", "up"], run);
      assert.equal(said, "up\n");
      await cri.removeImage(reference);
      assert.equal(await cri.imageStatus(reference), undefined);
    });

    await t.test("pulls from the first node when there is no seeder", async () => {
      await seeder.kill9();
      const { image, reference } = await cluster.push(smallImage(`peers ${line}`));
      await first.containerd.pull(reference);

      await second.containerd.pull(reference);

      const said = await second.containerd.runContainer(reference, ["echo", "up"]);
      assert.equal(said, "up\n");
      const requests = await registry.requests();
      const blobs = [image.manifests[0]?.config, ...(image.manifests[0]?.layers ?? [])];
      assert.equal(blobsTakenBy(first.host, requests).length, blobs.length);
      assert.deepEqual(askedByDigest(second.host, requests), []);
    });

    await t.test("pulls from the registry when nobody else is there", async () => {
      await tracker.kill9();
      await first.proxy?.kill9();
      const { image, reference } = await cluster.push(smallImage(`alone ${line}`));

      await second.containerd.pull(reference);

      const said = await second.containerd.runContainer(reference, ["echo", "up"]);
      assert.equal(said, "up\n");
      const blobs = blobsTakenBy(second.host, await registry.requests());
      assert.equal(blobs.length, 1 + (image.manifests[0]?.layers.length ?? 0));
    });
  });
}
