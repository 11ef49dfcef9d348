import assert from "node:assert/strict";
import { rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { runCommand } from "./support/command.ts";
import { containerdLines } from "./support/containerd-release.ts";
import { preheat } from "./support/preheat.ts";
import { smallImage } from "./support/sample-images.ts";
import { checkedBlobs } from "./support/store-files.ts";
import { startTestCluster } from "./support/test-cluster.ts";

/** Has room for two small images and what is left of failed pulls. */
const diskBytes = 40_000_000;

/** Less than a small image needs. */
const freeBytes = 4_000_000;

for (const line of containerdLines) {
  test(`containerd ${line} on a full disk`, async (t) => {
    // What is only cached would leave for the second image, and its pull succeed.
    const contentProxy = { cache: { budgetBytes: 0 } };
    const cluster = await startTestCluster(t, { line, nodes: ["node1"], contentProxy });
    const { seeder } = cluster;
    const [node] = cluster.nodes;
    assert.ok(node?.proxy && seeder);
    const { proxy, containerd, storePath } = node;
    await containerd.stop();
    await proxy.stop();
    const mount = ["mount", "-t", "tmpfs", "-o", `size=${diskBytes}`, "shoal", storePath] as const;
    await runCommand(mount);
    await proxy.resume();
    await containerd.resume();
    const filler = join(storePath, "filler");

    for (const from of ["seeder", "registry"] as const) {
      await t.test(
        `says so, keeps nothing bad, and recovers, with an image from the ${from}`,
        async () => {
          const { reference, image } = await cluster.push(smallImage(`full ${from} ${line}`));
          if (from === "seeder") await preheat(reference, { seeder });
          const { bavail, bsize } = await statfs(storePath);
          await writeFile(filler, Buffer.alloc(bavail * bsize - freeBytes));

          await assert.rejects(containerd.pull(reference), /no space|disk is full|storage/i);
          const whole = await checkedBlobs(storePath);
          assert.ok(image.manifests[0]?.layers.some(({ digest }) => !whole.includes(digest)));
          await rm(filler);
          await containerd.pull(reference);

          const said = await containerd.runContainer(reference, ["echo", "up"]);
          assert.equal(said, "up\n");
          await checkedBlobs(storePath);
          await containerd.ctr(["images", "remove", "--sync", reference]);
        },
      );
    }
  });
}
