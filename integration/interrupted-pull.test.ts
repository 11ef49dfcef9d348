import assert from "node:assert/strict";
import { test } from "node:test";

import { containerdLines } from "./support/containerd-release.ts";
import { sizeOfManifest } from "./support/image.ts";
import { pollUntil } from "./support/poll.ts";
import { preheat } from "./support/preheat.ts";
import { askedByDigest } from "./support/registry-traffic.ts";
import { smallImage } from "./support/sample-images.ts";
import { checkedBlobs } from "./support/store-files.ts";
import { startTestCluster } from "./support/test-cluster.ts";
import { receivedBytes, untilPromised, untilReceived } from "./support/traffic.ts";

/** Slow enough for a pull of some megabytes to be caught in the middle. */
const slowBitsPerSecond = 10_000_000;

/** What has arrived when a pull is interrupted, and what at least must not come again. */
const arrivedBytes = 3_000_000;
const keptBytesMin = 1_000_000;

for (const line of containerdLines) {
  test(`a pull by containerd ${line} that is interrupted`, async (t) => {
    // The node, and not the seeder, which is to have images soon.
    const bitsPerSecond = { node1: slowBitsPerSecond };
    const cluster = await startTestCluster(t, { line, nodes: ["node1"], bitsPerSecond });
    const { registry, seeder } = cluster;
    const [node] = cluster.nodes;
    assert.ok(node?.proxy && seeder);
    const { proxy, containerd, host } = node;
    const prepare = async (seed: string) => {
      const pushed = await cluster.push(smallImage(`${seed} ${line}`));
      await preheat(pushed.reference, { seeder });
      await registry.forgetRequests();
      return { ...pushed, size: sizeOfManifest(pushed.image.manifests[0] ?? assert.fail()) };
    };
    const assertGood = async (reference: string) => {
      const said = await containerd.runContainer(reference, ["echo", "up"]);
      assert.equal(said, "up\n");
      assert.deepEqual(askedByDigest(host, await registry.requests()), []);
      await checkedBlobs(node.storePath);
    };

    await t.test("by Ctrl-C goes on at once when it is repeated", async () => {
      const { reference } = await prepare("aborted");
      const interruption = new AbortController();
      const { signal } = interruption;
      const interrupted = assert.rejects(containerd.pull(reference, { signal }));
      await untilReceived(proxy, arrivedBytes);

      interruption.abort();
      await interrupted;
      await containerd.pull(reference);

      await assertGood(reference);
    });

    await t.test("by the end of the daemon keeps what came, and ends well", async () => {
      const { reference, size } = await prepare("killed");
      const interrupted = containerd.pull(reference).catch(() => "failed");
      await untilReceived(proxy, arrivedBytes);

      await proxy.kill9();
      await checkedBlobs(node.storePath);
      await proxy.resume();
      await interrupted;
      await containerd.pullOnceReconnected(reference);

      await assertGood(reference);
      assert.ok(receivedBytes(await proxy.status()) < size - keptBytesMin);
    });

    await t.test("by the end of everything on its node has its promises kept", async () => {
      const { image, reference } = await prepare("promised");
      const end = new AbortController();
      const { signal } = end;
      // Not by its own will: ctr may wait for ever for a containerd that has ended.
      const killed = { signal, killSignal: "SIGKILL" } as const;
      const interrupted = assert.rejects(containerd.pull(reference, killed));
      await untilPromised(proxy);

      await proxy.kill9();
      await containerd.stop();
      end.abort();
      await interrupted;
      const wholeBefore = await checkedBlobs(node.storePath);
      await proxy.resume();

      await pollUntil(async () => (await proxy.status()).blobs?.arriving === 0, {
        ...{ what: "the promised blobs", withinMs: 60_000 },
      });
      const whole = await checkedBlobs(node.storePath);
      const came = whole.filter((digest) => !wholeBefore.includes(digest));
      const layers: readonly string[] = (image.manifests[0]?.layers ?? []).map(
        ({ digest }) => digest,
      );
      assert.ok(came.some((digest) => layers.includes(digest)));
      await containerd.resume();
      await containerd.pull(reference);
      await assertGood(reference);
    });
  });
}
