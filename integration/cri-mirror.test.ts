import assert from "node:assert/strict";
import { test } from "node:test";

import { containerdLines } from "./support/containerd-release.ts";
import { CriClient } from "./support/cri-client.ts";
import { preheat } from "./support/preheat.ts";
import { registryUser } from "./support/registry-auth.ts";
import { askedByDigest, blobsAskedByEngine } from "./support/registry-traffic.ts";
import { smallImage } from "./support/sample-images.ts";
import { mirrorAddress } from "./support/shoal-config.ts";
import { startTestCluster } from "./support/test-cluster.ts";

const credentials = { username: registryUser.name, password: registryUser.password };

/** The kubelet asks for an image with a pull secret or without; its mirror asks for one or not. */
const nodes = [
  { how: "with the mirror, and no secrets", mirror: "alone", isPrivate: false },
  { how: "with the mirror, and pull secrets", mirror: "alone", isPrivate: true },
  { how: "with mirror and content store, and pull secrets", mirror: "beside", isPrivate: true },
] as const;

/** The namespace of the CRI. */
const namespace = "k8s.io";

for (const line of containerdLines) {
  for (const { how, mirror, isPrivate } of nodes) {
    test(`PullImage of containerd ${line} ${how}`, async (t) => {
      const access = isPrivate ? "challenge" : "open";
      const cluster = await startTestCluster(t, {
        ...{ line, nodes: ["node1"], withCri: true, mirror, isPrivate },
        contentProxy: { mirror: { enabled: true, listen: mirrorAddress, access } },
      });
      const { seeder, registry } = cluster;
      const [node] = cluster.nodes;
      assert.ok(node?.proxy && seeder);
      const { containerd, host } = node;
      const cri = cluster.stack.use(await CriClient.open(containerd.socketPath));
      await cri.untilReady();
      const auth = isPrivate ? credentials : undefined;
      const name = "samples/app:1";
      const { image, reference } = await cluster.push(smallImage(`${how} ${line}`), { name });
      await preheat(reference, { seeder });
      await registry.forgetRequests();

      await t.test(
        "gives an image of the swarm, whose blobs the registry is not asked for",
        async () => {
          if (isPrivate) {
            await assert.rejects(cri.pullImage(reference), /401|authorization|basic auth/i);
          }
          assert.equal(await cri.pullImage(reference, auth), image.manifests[0]?.config.digest);
          const said = await containerd.runContainer(reference, ["echo", "up"], { namespace });
          assert.equal(said, "up\n");
          assert.deepEqual(blobsAskedByEngine(await registry.requests()), []);
        },
      );

      await t.test("asks for the tag alone when the image is here (Always)", async () => {
        await registry.forgetRequests();
        assert.equal(await cri.pullImage(reference, auth), image.manifests[0]?.config.digest);
        assert.deepEqual(askedByDigest(host, await registry.requests()), []);
        // Who may not have it does not get it because another pod has it.
        if (isPrivate) {
          await assert.rejects(cri.pullImage(reference), /401|authorization|basic auth/i);
        }
      });

      await t.test("gives the new image when the tag has moved (Always)", async () => {
        const moved = await cluster.push(smallImage(`moved ${how} ${line}`), { name });
        const id = await cri.pullImage(reference, auth);
        assert.equal(id, moved.image.manifests[0]?.config.digest);
        assert.deepEqual(blobsAskedByEngine(await registry.requests()), []);
      });
    });
  }
}
