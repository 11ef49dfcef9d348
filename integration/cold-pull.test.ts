import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import type { ClusterNode } from "./support/cluster.ts";
import { runCommand } from "./support/command.ts";
import { containerdLines } from "./support/containerd-release.ts";
import { stackOf } from "./support/interruptible.ts";
import type { NetworkHost } from "./support/network.ts";
import { registryUser } from "./support/registry-auth.ts";
import { askedByDigest, blobsGivenTwice, blobsTakenBy } from "./support/registry-traffic.ts";
import { smallImage } from "./support/sample-images.ts";
import type { ShoalDaemon } from "./support/shoal-daemon.ts";
import { checkedBlobs } from "./support/store-files.ts";
import { type PushedImage, type TestCluster, startTestCluster } from "./support/test-cluster.ts";
import { createTestDirectory } from "./support/test-directory.ts";
import { untilReceived } from "./support/traffic.ts";

/** Slow enough for a pull of some megabytes to be caught in the middle. */
const slowBitsPerSecond = 20_000_000;

/** What has arrived at a node when something happens. */
const arrivedBytes = 2_000_000;

/** Images that nodes may take from the registry before one comes by the swarm. */
const attemptsMax = 5;

/** How nodes learn where digests come from, and who unpacks. */
const levels = {
  "without any mirror": {},
  "by the mirror of its node": { mirror: "beside" },
  "with the snapshotter": { withSnapshots: true },
} as const;

/** An image that nobody but the registry has. */
for (const line of containerdLines) {
  const nodes = ["node1", "node2"];

  for (const [how, level] of Object.entries(levels)) {
    test(`a cold pull by containerd ${line} ${how}`, async (t) => {
      const cluster = await startTestCluster(t, { line, nodes, ...level });
      const { registry, network } = cluster;

      await t.test("takes each blob from the registry once for two nodes", async () => {
        const pushed = await cluster.push(smallImage(`cold ${line} ${how}`));
        await pullEverywhere(cluster, pushed);
        const requests = await registry.requests();
        for (const { host } of cluster.nodes) assert.deepEqual(blobsTakenBy(host, requests), []);
        assert.deepEqual(blobsGivenTwice(requests), []);
        const taken = blobsTakenBy(network.host("seeder"), requests);
        assert.equal(taken.length, blobsOf(pushed).length);
        for (const node of cluster.nodes) {
          await assertGood(node, pushed);
          // Its manifest and index, and those asked for as if they were blobs.
          assert.ok(askedByDigest(node.host, requests).length <= 4);
        }
      });

      await t.test("takes nothing for a node that comes later", async () => {
        const pushed = await cluster.push(smallImage(`later ${line} ${how}`));
        const [first, second] = cluster.nodes;
        assert.ok(first && second);
        await first.containerd.pull(pushed.reference);
        await registry.forgetRequests();
        await second.containerd.pull(pushed.reference);
        const requests = await registry.requests();
        assert.deepEqual(blobsTakenBy(second.host, requests), []);
        assert.deepEqual(blobsTakenBy(network.host("seeder"), requests), []);
        await assertGood(second, pushed);
      });
    });
  }

  test(`a cold pull by containerd ${line} that goes wrong`, async (t) => {
    const bitsPerSecond = { registry: slowBitsPerSecond };
    const cluster = await startTestCluster(t, { line, nodes, bitsPerSecond, isHasty: true });
    const { network, seeder } = cluster;
    const [node] = cluster.nodes;
    assert.ok(node?.proxy && seeder);
    const { proxy } = node;

    await t.test("ends well when the seeder is killed", async () => {
      const { pushed, pulls } = await pullInPart(cluster, proxy, `killed ${line}`);
      await seeder.kill9();
      await pulls;
      await seeder.resume();
      for (const each of cluster.nodes) await assertGood(each, pushed);
    });

    await t.test("ends well when the seeder is started anew", async () => {
      const { pushed, pulls } = await pullInPart(cluster, proxy, `restarted ${line}`);
      await seeder.kill9();
      await seeder.resume();
      await pulls;
      for (const each of cluster.nodes) await assertGood(each, pushed);
    });

    await t.test("ends well when the seeder loses the registry", async () => {
      const { pushed, pulls } = await pullInPart(cluster, proxy, `cut off ${line}`);
      const way = wayBetween(network.host("seeder"), network.host("registry"));
      await way.close();
      await pulls;
      await way.open();
      for (const each of cluster.nodes) await assertGood(each, pushed);
    });

    await t.test("ends well when the node's daemon is killed", async () => {
      const pushed = await cluster.push(smallImage(`daemon ${line}`));
      const interrupted = node.containerd.pull(pushed.reference).catch(() => "failed");
      await untilReceived(proxy, arrivedBytes);
      await proxy.kill9();
      await checkedBlobs(node.storePath);
      await proxy.resume();
      await interrupted;
      await node.containerd.pullOnceReconnected(pushed.reference);
      await assertGood(node, pushed);
    });
  });
}

/** What a seeder cannot do for reasons of its own is done by any containerd alike. */
const line = "1.6";

test("a cold pull from a registry that refuses the seeder is ended by containerd", async (t) => {
  const seeder = { credentialsFile: undefined };
  const nodes = ["node1"];
  const cluster = await startTestCluster(t, { line, nodes, isPrivate: true, seeder });
  const [node] = cluster.nodes;
  assert.ok(node);
  const pushed = await cluster.push(smallImage("refused"));
  const user = `${registryUser.name}:${registryUser.password}`;
  await node.containerd.pull(pushed.reference, { user });
  const taken = blobsTakenBy(node.host, await cluster.registry.requests());
  assert.equal(taken.length, blobsOf(pushed).length);
  await assertGood(node, pushed);
});

test("a cold pull past a seeder without room is ended by containerd", async (t) => {
  const nodes = ["node1"];
  const { path } = await createTestDirectory(t, stackOf(t));
  const store = { root: join(path, "store"), budgetBytes: 1_000_000 };
  const cluster = await startTestCluster(t, { line, nodes, seeder: { store } });
  const [node] = cluster.nodes;
  assert.ok(node);
  const pushed = await cluster.push(smallImage("no room"));
  await node.containerd.pull(pushed.reference);
  const taken = blobsTakenBy(node.host, await cluster.registry.requests());
  assert.ok(taken.length >= 3);
  await assertGood(node, pushed);
});

/**
 * Has all nodes begin to pull a cold image, and gives it when a part of it has come by the swarm. Of
 * a seeder that was away a moment ago a node may take none: then with another image.
 */
async function pullInPart(cluster: TestCluster, proxy: ShoalDaemon, seed: string) {
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const pushed = await cluster.push(smallImage(`${seed} ${attempt}`));
    const ended = new AbortController();
    const arriving = untilReceived(proxy, arrivedBytes, ended).then(
      () => true,
      () => false,
    );
    const pulls = pullEverywhere(cluster, pushed);
    void pulls.catch(() => undefined).then(() => ended.abort());
    if (await arriving) return { pushed, pulls };
    await pulls;
  }
  throw new Error(`No node took any of ${attemptsMax} images from the swarm`);
}

async function pullEverywhere(cluster: TestCluster, { reference }: PushedImage): Promise<void> {
  await Promise.all(cluster.nodes.map(({ containerd }) => containerd.pull(reference)));
}

/** The way of packets from one host to another, which can be closed without a word to either. */
function wayBetween(from: NetworkHost, to: NetworkHost) {
  const change = (verb: "add" | "delete") =>
    runCommand(["ip", "route", verb, "blackhole", `${to.address}/32`], { netns: from.netns });
  return { close: () => change("add"), open: () => change("delete") };
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
