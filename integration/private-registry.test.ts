import assert from "node:assert/strict";
import { test } from "node:test";

import { containerdLines } from "./support/containerd-release.ts";
import { CriClient } from "./support/cri-client.ts";
import { preheat } from "./support/preheat.ts";
import { registryUser } from "./support/registry-auth.ts";
import { askedByDigest } from "./support/registry-traffic.ts";
import { smallImage } from "./support/sample-images.ts";
import { startTestCluster } from "./support/test-cluster.ts";

const { name, password } = registryUser;

/** The seeder has credentials in a file, the nodes get theirs with each pull. */
for (const line of containerdLines) {
  test(`containerd ${line} and a private registry`, async (t) => {
    const nodes = ["node1"];
    const cluster = await startTestCluster(t, { line, nodes, withCri: true, isPrivate: true });
    const { seeder, registry } = cluster;
    const [node] = cluster.nodes;
    assert.ok(node && seeder);
    const { containerd, host } = node;
    const { reference } = await cluster.push(smallImage(`private ${line}`));
    await preheat(reference, { seeder });
    await registry.forgetRequests();

    await t.test("gives nothing to who may not have the tag", async () => {
      await assert.rejects(containerd.pull(reference), /401|authorization|basic auth/i);
    });

    await t.test("is asked for the tag alone by ctr", async () => {
      await containerd.pull(reference, { user: `${name}:${password}` });
      const said = await containerd.runContainer(reference, ["echo", "up"]);
      assert.equal(said, "up\n");
      assert.deepEqual(askedByDigest(host, await registry.requests()), []);
    });

    await t.test("is asked for the tag alone by the CRI", async () => {
      const cri = cluster.stack.use(await CriClient.open(containerd.socketPath));
      await assert.rejects(cri.pullImage(reference), /401|authorization|basic auth/i);
      await cri.pullImage(reference, { username: name, password });
      assert.deepEqual(askedByDigest(host, await registry.requests()), []);
    });
  });
}
