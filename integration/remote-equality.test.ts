import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { chainIdsOf } from "../core/chain-id.ts";
import { containerdLines } from "./support/containerd-release.ts";
import { CriClient } from "./support/cri-client.ts";
import { pushImage } from "./support/image-push.ts";
import { oddImages } from "./support/odd-images/all-odd-images.ts";
import { mergeOddImages } from "./support/odd-images/merge-odd-images.ts";
import { writeOddImages } from "./support/odd-images/write-odd-images.ts";
import { preheat } from "./support/preheat.ts";
import { askedByDigest } from "./support/registry-traffic.ts";
import { startTestCluster } from "./support/test-cluster.ts";
import { compareTrees } from "./support/tree-compare/compare-trees.ts";
import { readTree, type Tree } from "./support/tree-compare/read-tree.ts";
import { ContainerdSnapshots } from "./support/unpack/containerd-snapshots.ts";
import { parentDirectoriesOf, unpackByContainerd } from "./support/unpack/unpack-by-containerd.ts";

/** Has whiteouts that are right in the bottom layer only. */
const bottomName = "whiteouts in a bottom layer";

for (const line of containerdLines) {
  test(`a pull with containerd ${line} makes the trees that its overlay snapshotter makes`, async (t) => {
    const cluster = await startTestCluster(t, {
      ...{ line, nodes: ["node1"], withCri: true, withSnapshots: true },
    });
    const { stack, seeder, registry, directory } = cluster;
    const [node] = cluster.nodes;
    assert.ok(node && seeder);
    const { containerd, host } = node;
    const isBottom = ({ name }: { readonly name: string }) => name === bottomName;
    const sorted = [...oddImages.filter(isBottom), ...oddImages.filter((each) => !isBottom(each))];
    const merged = mergeOddImages("all", sorted);
    const { layout, images } = await writeOddImages([merged], join(directory, "layout"));
    const fixtures = images[0]?.fixtures ?? [];
    const reference = await pushImage(layout, registry, { name: "samples/odd:1" });
    await preheat(reference, { seeder });
    await registry.forgetRequests();
    const cri = stack.use(await CriClient.open(containerd.socketPath));

    const writtenSinceMs = Date.now();
    await cri.pullImage(reference);
    assert.deepEqual(askedByDigest(host, await registry.requests()), []);

    const namespace = "k8s.io";
    const ours = stack.use(await ContainerdSnapshots.open(containerd, { namespace }));
    const top = chainIdsOf(fixtures.map(({ diffId }) => diffId)).at(-1);
    const directories = parentDirectoriesOf(await ours.prepare("to look at", top));
    const snapshotter = "overlayfs";
    const theirs = stack.use(
      await ContainerdSnapshots.open(containerd, { namespace, snapshotter }),
    );
    const expected = await unpackByContainerd(theirs, fixtures, { name: "expected" });
    assert.equal(expected.refusal, undefined);

    const differences = directories.flatMap((path, layer) => {
      const tree = readTree(path, { writtenSinceMs });
      const found = compareTrees(
        tree,
        readTree(expected.directories[layer] ?? "", { writtenSinceMs }),
      );
      const told = found.filter((difference) => !isTimeOfFolder(difference, tree));
      return told.map((difference) => `layer ${layer}: ${difference}`);
    });
    assert.equal(directories.length, fixtures.length);
    assert.deepEqual(differences, merged.differences);
  });
}

/** A folder that no entry describes has a time of its own in our tree, see `unpack-equality`. */
function isTimeOfFolder(difference: string, tree: Tree): boolean {
  const path = /^(.*): mtime is "\d+\.\d+", should be "now"$/.exec(difference)?.[1];
  return path !== undefined && tree.get(path)?.["type"] === "directory";
}
