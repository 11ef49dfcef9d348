import assert from "node:assert/strict";
import { test } from "node:test";

import { CriClient } from "./support/cri-client.ts";
import { requestHttp } from "./support/http.ts";
import { preheat } from "./support/preheat.ts";
import { smallImage } from "./support/sample-images.ts";
import { ports } from "./support/shoal-config.ts";
import { startTestCluster } from "./support/test-cluster.ts";
import { openTunnel } from "./support/tunnel.ts";

/** One cluster whose registry changes its mind, and then goes away. */
test("tags through the mirror of containerd 1.6", async (t) => {
  const cluster = await startTestCluster(t, {
    ...({ line: "1.6", nodes: ["node1", "node2", "node3"], mirror: "alone" } as const),
    contentProxy: { mirror: { enabled: true, listen: `0.0.0.0:${ports.mirror}` } },
  });
  const { seeder, registry, stack } = cluster;
  const [first, second, third] = cluster.nodes;
  assert.ok(first?.proxy && second && third && seeder);
  const tunnel = stack.use(await openTunnel(first.host, ports.mirror));
  const digestOfTag = async (tag: string) => {
    const path = `/v2/samples/tags/manifests/${tag}?ns=${registry.host}`;
    const { status, headers } = await requestHttp(tunnel.endpoint, { method: "HEAD", path });
    return status === 200 ? headers["docker-content-digest"] : status;
  };
  const old = await cluster.push(smallImage("tags old"), { name: "samples/tags:1" });
  const latest = await cluster.push(smallImage("tags old"), { name: "samples/tags:latest" });
  await preheat(old.reference, { seeder });
  await preheat(latest.reference, { seeder });

  await t.test("name what the registry says, each time, asked by the seeder", async () => {
    await registry.forgetRequests();
    assert.equal(await digestOfTag("1"), old.image.index.digest);
    const renewed = await cluster.push(smallImage("tags new"), { name: "samples/tags:1" });
    assert.equal(await digestOfTag("1"), renewed.image.index.digest);
    const asked = (await registry.requests()).filter(({ path }) => path.endsWith("/manifests/1"));
    assert.ok(asked.length > 0);
    for (const { client } of asked) assert.equal(client, seeder.on.address);
  });

  await t.test("name what they named while the registry is away, but for latest", async () => {
    await preheat(old.reference, { seeder });
    assert.equal(await digestOfTag("latest"), latest.image.index.digest);
    await registry[Symbol.asyncDispose]();

    await second.containerd.pull(old.reference);

    const said = await second.containerd.runContainer(old.reference, ["echo", "up"]);
    assert.equal(said, "up\n");
    assert.equal(await digestOfTag("latest"), 503);
    await assert.rejects(second.containerd.pull(latest.reference));
    assert.equal(await digestOfTag("none"), 503);
  });

  await t.test("are known after the seeder was killed", async () => {
    await seeder.kill9();
    await seeder.resume();

    await third.containerd.pull(old.reference);

    const said = await third.containerd.runContainer(old.reference, ["echo", "up"]);
    assert.equal(said, "up\n");
  });

  await t.test("are known to a node that has asked before when all others are away", async () => {
    const before = await digestOfTag("1");
    await seeder.kill9();
    assert.equal(await digestOfTag("1"), before);
    assert.equal(typeof before, "string");
  });
});

test("tags through the mirror of containerd 2.x, while the registry is away", async (t) => {
  const cluster = await startTestCluster(t, {
    ...({ line: "2.x", nodes: ["node1", "node2"], mirror: "alone", withCri: true } as const),
  });
  const { seeder, registry, stack } = cluster;
  const [first, second] = cluster.nodes;
  assert.ok(first && second && seeder);
  const { image, reference } = await cluster.push(smallImage("tags of 2.x"));
  await preheat(reference, { seeder });
  await registry[Symbol.asyncDispose]();

  await t.test("bring an image that the cluster has to a new node", async () => {
    await first.containerd.pull(reference);
    const said = await first.containerd.runContainer(reference, ["echo", "up"]);
    assert.equal(said, "up\n");
  });

  await t.test("bring it to a new node by the CRI, too", async () => {
    const cri = stack.use(await CriClient.open(second.containerd.socketPath));
    await cri.untilReady();
    assert.equal(await cri.pullImage(reference), image.manifests[0]?.config.digest);
    const options = { namespace: "k8s.io" };
    const said = await second.containerd.runContainer(reference, ["echo", "up"], options);
    assert.equal(said, "up\n");
  });
});
