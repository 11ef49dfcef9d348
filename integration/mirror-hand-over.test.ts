import assert from "node:assert/strict";
import { test } from "node:test";

import type { Descriptor } from "../core/descriptor.ts";
import { containerdLines } from "./support/containerd-release.ts";
import type { ImagePlan } from "./support/image.ts";
import { preheat } from "./support/preheat.ts";
import { startTestCluster } from "./support/test-cluster.ts";
import { untilReceived } from "./support/traffic.ts";

/** Slow enough for a layer of some megabytes to be caught in the middle. */
const slowBitsPerSecond = 20_000_000;
const layerLength = 16_000_000;

/** What has arrived when something is gone. */
const arrivedBytes = 6_000_000;

/** More than the stall bound: time for a body to end, and for the rest to come. */
const pullTimeoutMs = 60_000;

function imageOf(seed: string): ImagePlan {
  return { seed, layers: [{ compression: "none", sizeBytes: layerLength, of: "random" }] };
}

for (const line of containerdLines) {
  test(`containerd ${line}, whose mirror loses a layer in the middle`, async (t) => {
    const cluster = await startTestCluster(t, {
      ...({ line, nodes: ["node1", "node2"], mirror: "alone" } as const),
      ...{ bitsPerSecond: { seeder: slowBitsPerSecond }, isHasty: "stalls" },
    });
    const { registry, seeder, tracker } = cluster;
    const [first, second] = cluster.nodes;
    assert.ok(first?.proxy && second?.proxy && seeder && tracker);
    const pullUntilArrived = async ({ containerd, proxy }: typeof first, seed: string) => {
      const { image, reference } = await cluster.push(imageOf(seed));
      await preheat(reference, { seeder });
      await registry.forgetRequests();
      const pull = containerd.pull(reference, { signal: AbortSignal.timeout(pullTimeoutMs) });
      pull.catch(() => undefined);
      assert.ok(proxy);
      await untilReceived(proxy, arrivedBytes);
      const layer = image.manifests[0]?.layers[0];
      assert.ok(layer);
      return { pull, reference, layer };
    };
    /** The registry gave the rest of the layer, and not all of it again. */
    const assertRest = async ({ digest, size }: Descriptor) => {
      const requests = (await registry.requests()).filter(({ path }) => path.endsWith(digest));
      assert.ok(requests.every(({ isPartial }) => isPartial));
      const bytes = requests.reduce((sum, request) => sum + request.bytes, 0);
      assert.ok(bytes > 0 && bytes < size, `${bytes} of ${size} bytes`);
    };

    await t.test(
      "takes the rest from the registry when the mirror's daemon is killed",
      async () => {
        const { containerd, proxy } = second;
        const { pull, reference, layer } = await pullUntilArrived(second, `mirror killed ${line}`);

        await proxy?.kill9();
        await pull;

        assert.equal(await containerd.runContainer(reference, ["echo", "up"]), "up\n");
        await assertRest(layer);
      },
    );

    await t.test("takes the rest from the registry when the swarm is gone", async () => {
      const { containerd } = first;
      const { pull, reference, layer } = await pullUntilArrived(first, `swarm gone ${line}`);

      await Promise.all([seeder.kill9(), tracker.kill9()]);
      await pull;

      assert.equal(await containerd.runContainer(reference, ["echo", "up"]), "up\n");
      await assertRest(layer);
    });
  });
}
