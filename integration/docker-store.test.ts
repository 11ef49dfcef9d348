import assert from "node:assert/strict";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { ensureDockerOnContainerd } from "./support/engines/docker-release.ts";
import { startDockerd } from "./support/engines/dockerd.ts";
import { sizeOfManifest } from "./support/image.ts";
import { preheat } from "./support/preheat.ts";
import { askedByDigest, blobsTakenBy } from "./support/registry-traffic.ts";
import { dockerImage } from "./support/sample-images.ts";
import { startTestCluster } from "./support/test-cluster.ts";

/** Docker 26 pulls with containerd's own client library then, and unpacks while it pulls. */
for (const withSnapshots of [false, true]) {
  const what = withSnapshots ? "content store and snapshotter" : "content store";
  test(`docker that keeps its images in containerd, with our ${what}`, async (t) => {
    const cluster = await startTestCluster(t, {
      ...({ line: "1.7", nodes: ["node1"] } as const),
      withSnapshots,
    });
    const { seeder, tracker, registry } = cluster;
    const [node] = cluster.nodes;
    assert.ok(node?.proxy && seeder && tracker);
    const { containerd, proxy } = node;
    const directory = join(cluster.directory, "engine");
    await mkdir(directory);
    const settings = {
      ...{ containerd: containerd.socketPath, "storage-driver": containerd.snapshotter },
      ...{ features: { "containerd-snapshotter": true }, "insecure-registries": [registry.host] },
    };
    const program = await ensureDockerOnContainerd();
    const place = { on: node.host, directory };
    const { docker, ...daemon } = await startDockerd(place, { program, settings });
    cluster.stack.use(daemon);

    const pushed = async (seed: string) => cluster.push(dockerImage(`${seed} ${what}`));
    const run = (reference: string, ...argv: readonly string[]) =>
      docker("run", "--rm", "--network", "none", reference, ...argv);

    await t.test("pulls and runs what the seeder has, and asks for the tag alone", async () => {
      const { image, reference } = await pushed("warm");
      await preheat(reference, { seeder });
      await registry.forgetRequests();

      await docker("pull", "--quiet", reference);

      const [manifest] = image.manifests;
      const id = await docker("image", "inspect", "--format", "{{.Id}}", reference);
      assert.equal(id.trim(), image.index.digest);
      assert.equal(await run(reference, "echo", "up"), "up\n");
      assert.deepEqual(askedByDigest(node.host, await registry.requests()), []);
      const { layers = [] } = await proxy.status();
      const unpacked = layers.filter(({ state }) => state === "done");
      assert.equal(unpacked.length, withSnapshots ? manifest?.layers.length : 0);
    });

    await t.test("saves what it never fetched itself", async () => {
      const { image, reference } = await pushed("again");
      await preheat(reference, { seeder });
      await docker("pull", "--quiet", reference);
      await registry.forgetRequests();
      const file = join(directory, "image.tar");

      await docker("save", "--output", file, reference);

      const [manifest] = image.manifests;
      assert.ok(manifest && (await stat(file)).size > sizeOfManifest(manifest));
      assert.deepEqual(blobsTakenBy(node.host, await registry.requests()), []);
    });

    await t.test("pulls from the registry when nobody else is there", async () => {
      await seeder.kill9();
      await tracker.kill9();
      const { image, reference } = await pushed("alone");

      await docker("pull", "--quiet", reference);

      assert.equal(await run(reference, "echo", "up"), "up\n");
      const blobs = blobsTakenBy(node.host, await registry.requests());
      assert.equal(blobs.length, 1 + (image.manifests[0]?.layers.length ?? 0));
    });
  });
}
