import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { chainIdsOf } from "../core/chain-id.ts";
import { containerdLines } from "./support/containerd-release.ts";
import { CriClient } from "./support/cri-client.ts";
import { pushImage } from "./support/image-push.ts";
import { oddImages } from "./support/odd-images/all-odd-images.ts";
import { mergeOddImages } from "./support/odd-images/merge-odd-images.ts";
import type { OddImage } from "./support/odd-images/odd-image.ts";
import { writeOddImages } from "./support/odd-images/write-odd-images.ts";
import { preheat } from "./support/preheat.ts";
import { askedByDigest } from "./support/registry-traffic.ts";
import { startTestCluster } from "./support/test-cluster.ts";
import { compareTrees } from "./support/tree-compare/compare-trees.ts";
import { readTree, type Tree } from "./support/tree-compare/read-tree.ts";
import { ContainerdSnapshots } from "./support/unpack/containerd-snapshots.ts";
import { layerDirectoriesOf, unpackByContainerd } from "./support/unpack/unpack-by-containerd.ts";

/** The namespace of the CRI. */
const namespace = "k8s.io";

/** Has whiteouts that are right in the bottom layer only. */
const isBottom = ({ name }: OddImage) => name === "whiteouts in a bottom layer";

const merged = mergeOddImages("all that can be unpacked", [
  ...oddImages.filter(isBottom),
  ...oddImages.filter((image) => !isBottom(image)),
]);

for (const line of containerdLines) {
  test(`trees of a pull with containerd ${line} and our snapshotter`, async (t) => {
    const cluster = await startTestCluster(t, {
      ...{ line, nodes: ["node1"], withCri: true, withSnapshots: true },
    });
    const { stack, seeder, registry, directory } = cluster;
    const [node] = cluster.nodes;
    assert.ok(node && seeder);
    const { containerd, host } = node;
    const cri = stack.use(await CriClient.open(containerd.socketPath));
    const ours = stack.use(await ContainerdSnapshots.open(containerd, { namespace }));
    const overlay = { namespace, snapshotter: "overlayfs" };
    const theirs = stack.use(await ContainerdSnapshots.open(containerd, overlay));
    let imagesPushed = 0;
    const push = async (image: OddImage) => {
      const name = `odd-${++imagesPushed}`;
      const { layout, images } = await writeOddImages([image], join(directory, name));
      const reference = await pushImage(layout, registry, { name: `samples/${name}:1` });
      await preheat(reference, { seeder });
      await registry.forgetRequests();
      return { name, reference, layers: images[0]?.fixtures ?? [] };
    };
    const pullAndCompare = async (image: OddImage): Promise<string[]> => {
      const { name, reference, layers } = await push(image);
      const writtenSinceMs = Date.now();
      await cri.pullImage(reference);
      const top = chainIdsOf(layers.map(({ diffId }) => diffId)).at(-1);
      const directories = layerDirectoriesOf(await ours.view(`${name}, to look at`, top));
      const expected = await unpackByContainerd(theirs, layers, { name });
      assert.equal(expected.refusal, undefined);
      assert.equal(directories.length, layers.length);
      return directories.flatMap((path, layer) => {
        const tree = readTree(path, { writtenSinceMs });
        const other = readTree(expected.directories[layer] ?? "", { writtenSinceMs });
        const told = compareTrees(tree, other).filter((each) => !isTimeOfFolder(each, tree));
        return told.map((difference) => `layer ${layer}: ${difference}`);
      });
    };

    await t.test("are those that the overlay snapshotter makes", async () => {
      assert.deepEqual(await pullAndCompare(merged), merged.differences);
      assert.deepEqual(askedByDigest(host, await registry.requests()), []);
    });

    for (const image of oddImages.filter(({ isLeft }) => isLeft)) {
      await t.test(`are made by containerd where we do not know ${image.name}`, async () => {
        assert.deepEqual(await pullAndCompare(image), []);
      });
    }

    for (const name of ["cut off in a content", "a hard link to a file of a layer below"]) {
      await t.test(`are not made of a layer with ${name}`, async () => {
        const image = oddImages.find((each) => each.name === name);
        assert.ok(image);
        const { reference } = await push(image);
        await assert.rejects(cri.pullImage(reference), /failed to (extract|apply) layer/);
        assert.equal(await cri.imageStatus(reference), undefined);
      });
    }
  });
}

/** A folder that no entry describes has a time of its own in our tree, see `unpack-equality`. */
function isTimeOfFolder(difference: string, tree: Tree): boolean {
  const path = /^(.*): mtime is "\d+\.\d+", should be "now"$/.exec(difference)?.[1];
  return path !== undefined && tree.get(path)?.["type"] === "directory";
}
