import assert from "node:assert/strict";
import { test } from "node:test";

import type { Containerd } from "./support/containerd.ts";
import { containerdLines } from "./support/containerd-release.ts";
import { patience } from "./support/patience.ts";
import { pollUntil } from "./support/poll.ts";
import { preheat } from "./support/preheat.ts";
import { askedByDigest, blobsTakenBy } from "./support/registry-traffic.ts";
import type { ShoalDaemon } from "./support/shoal-daemon.ts";
import { smallImage } from "./support/sample-images.ts";
import { checkedBlobs } from "./support/store-files.ts";
import { startTestCluster } from "./support/test-cluster.ts";
import { untilPromised, untilReceived } from "./support/traffic.ts";

/** Slow enough for a pull of some megabytes to be caught in the middle. */
const slowBitsPerSecond = 20_000_000;

/** Reads of layers that do not come any more fail soon enough for a test. */
const readTimeoutMs = 3000;

/** The registry is asked soon enough for a test. */
const hasty = { stallTimeoutMs: 1500 };

/**
 * The swarm has all the time that it needs on a busy machine to find out who hangs, and to
 * connect to others again: who takes so long has given up on it.
 */
const patient = { ...patience.pull, stallTimeoutMs: 30_000 };

/** Pulls until all layers are known not to come: there are three, and one was given up before. */
const triesMax = 3;

/** Services that hang: they keep their connections, take new ones, and say nothing. */
for (const line of containerdLines) {
  test(`containerd ${line} with services that hang`, async (t) => {
    const nodes = ["hasty", "patient"];
    const bitsPerSecond = { seeder: slowBitsPerSecond };
    const contentProxyOf = { hasty: { pull: hasty }, patient: { pull: patient } };
    const options = { line, nodes, bitsPerSecond, contentProxyOf, isHasty: true };
    const cluster = await startTestCluster(t, options);
    const { seeder, tracker, registry } = cluster;
    const [first, second] = cluster.nodes;
    assert.ok(first?.proxy && second?.proxy && seeder && tracker);
    const { proxy, containerd, host } = first;
    const { proxy: puller } = second;
    const whileFrozen = async (services: readonly (typeof seeder)[], body: () => Promise<void>) => {
      for (const service of services) service.freeze();
      try {
        await body();
      } finally {
        for (const service of services) service.thaw();
      }
    };
    const assertRuns = async (reference: string, node = first) => {
      const said = await node.containerd.runContainer(reference, ["echo", "up"]);
      assert.equal(said, "up\n");
      await checkedBlobs(node.storePath);
    };

    await t.test("pulls from the seeder while the tracker hangs", async () => {
      const { reference } = await cluster.push(smallImage(`tracker ${line}`));
      await preheat(reference, { seeder });
      await registry.forgetRequests();
      await whileFrozen([tracker], () => second.containerd.pull(reference));
      await assertRuns(reference, second);
      assert.deepEqual(askedByDigest(second.host, await registry.requests()), []);
    });

    await t.test("pulls from the registry while tracker and seeder hang", async () => {
      const { image, reference } = await cluster.push(smallImage(`both ${line}`));
      await whileFrozen([tracker, seeder], () => containerd.pull(reference));
      await assertRuns(reference);
      const blobs = blobsTakenBy(host, await registry.requests());
      assert.equal(blobs.length, 1 + (image.manifests[0]?.layers.length ?? 0));
    });

    await t.test("goes on with a peer when the seeder hangs in the middle", async () => {
      const { reference } = await cluster.push(smallImage(`peer ${line}`));
      await preheat(reference, { seeder });
      await containerd.pull(reference);
      await registry.forgetRequests();
      let pull: Promise<void> | undefined;
      await whileFrozen([proxy], async () => {
        pull = second.containerd.pull(reference);
        await untilReceived(puller, 2_000_000);
        seeder.freeze();
      });
      await pull?.finally(() => seeder.thaw());
      await assertRuns(reference, second);
      assert.deepEqual(askedByDigest(second.host, await registry.requests()), []);
    });

    await t.test("ends a pull whose only source hangs in the middle of a layer", async () => {
      const { reference } = await cluster.push(smallImage(`seeder ${line}`));
      await preheat(reference, { seeder });
      const pull = containerd.pull(reference);
      await untilPromised(proxy);
      await whileFrozen([seeder], () => pull);
      await assertRuns(reference);
      assert.ok(blobsTakenBy(host, await registry.requests()).length > 0);
    });

    await t.test("ends a pull whose only source dies in the middle of a layer", async () => {
      const { reference } = await cluster.push(smallImage(`dead ${line}`));
      await preheat(reference, { seeder });
      const pull = containerd.pull(reference);
      await untilPromised(proxy);
      await seeder.kill9();
      await pull;
      await assertRuns(reference);
      assert.ok(blobsTakenBy(host, await registry.requests()).length > 0);
    });
  });

  test(`containerd ${line} with services that hang and a registry that only it may ask`, async (t) => {
    const contentProxy = { pull: { readTimeoutMs, ...hasty }, origin: { registries: [] } };
    const bitsPerSecond = { seeder: slowBitsPerSecond };
    const options = { line, nodes: ["node1"], bitsPerSecond, contentProxy, isHasty: true };
    const cluster = await startTestCluster(t, options);
    const { seeder } = cluster;
    const [node] = cluster.nodes;
    assert.ok(node?.proxy && seeder);
    const { containerd, proxy } = node;

    await t.test(
      "has layers that were promised and cannot be had when it is tried again",
      async () => {
        const { reference } = await cluster.push(smallImage(`private ${line}`));
        await preheat(reference, { seeder });
        const pull = assert.rejects(containerd.pull(reference));
        await untilPromised(proxy);
        seeder.freeze();
        try {
          await pull;
          await untilWithdrawn(proxy);
          await pullAgain(containerd, reference);
        } finally {
          seeder.thaw();
        }
        assert.equal(await containerd.runContainer(reference, ["echo", "up"]), "up\n");
        await checkedBlobs(node.storePath);
      },
    );
  });
}

/** Of a layer that came until a moment ago it turns out at the next try that it does not come. */
async function pullAgain(containerd: Containerd, reference: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await containerd.pull(reference);
      return;
    } catch (error) {
      if (tries === triesMax) throw error;
    }
  }
}

/** Resolves when a promise was taken back that the proxy cannot keep. */
async function untilWithdrawn(proxy: ShoalDaemon): Promise<void> {
  const isWithdrawn = async () => /withdrew a promise/.test(await proxy.log());
  await pollUntil(isWithdrawn, { what: "a promise to be withdrawn", withinMs: 30_000 });
}
