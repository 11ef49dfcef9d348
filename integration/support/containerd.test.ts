import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";

import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { isDownload } from "./access-log.ts";
import { containerdLines, ensureContainerd } from "./containerd-release.ts";
import { Containerd, type ContainerdOptions } from "./containerd.ts";
import { CriClient } from "./cri-client.ts";
import { pushImage } from "./image-push.ts";
import { buildImage, type BuiltImage } from "./image.ts";
import { stackOf } from "./interruptible.ts";
import { writeRegistryHosts } from "./registry-hosts.ts";
import { startRegistry, type Registry } from "./registry.ts";
import { smallImage } from "./sample-images.ts";
import { createTestDirectory } from "./test-directory.ts";

for (const line of containerdLines) {
  suite(`containerd ${line} with its own content store`, () => {
    for (const by of line === "2.x" ? (["ctr", "transfer"] as const) : (["ctr"] as const)) {
      test(`pulls an image by ${by} and runs a container of it`, async (t) => {
        const { containerd, registry, image, reference } = await startNode(t, { line });

        await containerd.pull(reference, { by });

        assert.equal(
          await containerd.runContainer(reference, ["cat", "/etc/shoal-image"]),
          "sample\n",
        );
        await assertLayersAskedOnce(registry, image);
      });
    }

    test("pulls an image that the CRI asks for", async (t) => {
      const { containerd, registry, image, reference } = await startNode(t, {
        line,
        withCri: true,
      });
      const cri = cleanUpOf(t).use(await CriClient.open(containerd.socketPath));

      const id = await cri.pullImage(reference);

      assert.equal(id, image.manifests[0]?.config.digest);
      assert.deepEqual((await cri.imageStatus(reference))?.repoTags, [reference]);
      await assertLayersAskedOnce(registry, image);
      await cri.removeImage(reference);
      assert.deepEqual(await cri.listImages(), []);
    });

    test("keeps its images when it is killed and started again", async (t) => {
      const { containerd, reference } = await startNode(t, { line });
      await containerd.pull(reference);

      await containerd.kill9();
      await containerd.resume();

      assert.equal(await containerd.runContainer(reference, ["echo", "up"]), "up\n");
    });
  });
}

async function startNode(
  t: TestContext,
  {
    line,
    withCri,
  }: Pick<ContainerdOptions, "withCri"> & { line: (typeof containerdLines)[number] },
) {
  const stack = stackOf(t);
  const directory = await createTestDirectory(t, stack);
  const registry = stack.use(await startRegistry({ directory: join(directory.path, "registry") }));
  const image = await buildImage(smallImage("sample"));
  const reference = await pushImage(image, registry, { name: "samples/app:1" });
  await registry.forgetRequests();
  const release = await ensureContainerd(line);
  const containerd = stack.use(
    await Containerd.start({ release, directory: join(directory.path, "node"), withCri }),
  );
  await writeRegistryHosts(containerd.hostsPath, registry.host);
  return { containerd, registry, image, reference };
}

async function assertLayersAskedOnce(registry: Registry, image: BuiltImage): Promise<void> {
  const layers = image.manifests[0]?.layers.map(({ digest }) => digest) ?? [];
  const downloads = (await registry.requests()).filter(isDownload);
  const asked = downloads.map(({ path }) => path.split("/").at(-1) ?? "");
  const isLayer = (name: string) => layers.some((digest) => digest === name);
  assert.deepEqual(asked.filter(isLayer).sort(), [...layers].sort());
}
