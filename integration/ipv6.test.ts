import assert from "node:assert/strict";
import { test } from "node:test";

import { preheat } from "./support/preheat.ts";
import { askedByDigest, blobsTakenBy } from "./support/registry-traffic.ts";
import { smallImage } from "./support/sample-images.ts";
import { startTestCluster } from "./support/test-cluster.ts";

/** Hosts that have no IPv4 address but that of their loopback. */
test("containerd 2.x in a network of IPv6", async (t) => {
  const nodes = ["node1", "node2"];
  const cluster = await startTestCluster(t, { line: "2.x", nodes, family: 6 });
  const { seeder, tracker, registry } = cluster;
  const [first, second] = cluster.nodes;
  assert.ok(first && second && seeder && tracker);

  await t.test("pulls what the seeder has, and asks the registry for the tag alone", async () => {
    const { reference } = await cluster.push(smallImage("ipv6 seeder"));
    await preheat(reference, { seeder });
    await registry.forgetRequests();

    await first.containerd.pull(reference);

    const said = await first.containerd.runContainer(reference, ["echo", "up"]);
    assert.equal(said, "up\n");
    assert.deepEqual(askedByDigest(first.host, await registry.requests()), []);
  });

  await t.test("pulls from the first node when there is no seeder", async () => {
    await seeder.kill9();
    const { image, reference } = await cluster.push(smallImage("ipv6 peers"));
    await first.containerd.pull(reference);

    await second.containerd.pull(reference);

    const said = await second.containerd.runContainer(reference, ["echo", "up"]);
    assert.equal(said, "up\n");
    const requests = await registry.requests();
    const blobs = [image.manifests[0]?.config, ...(image.manifests[0]?.layers ?? [])];
    assert.equal(blobsTakenBy(first.host, requests).length, blobs.length);
    assert.deepEqual(askedByDigest(second.host, requests), []);
  });
});
