import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { defaultLayerLimits } from "../core/unpack/layer-limits.ts";
import { ThreadLayerUnpacker } from "../core/unpack/thread-layer-unpacker.ts";
import { containerdLines, ensureContainerd } from "./support/containerd-release.ts";
import { Containerd } from "./support/containerd.ts";
import { stackOf } from "./support/interruptible.ts";
import { oddImages } from "./support/odd-images/all-odd-images.ts";
import { randomImage } from "./support/odd-images/random-images.ts";
import { manySmallFilesImage } from "./support/odd-images/small-files-image.ts";
import { writeOddImages, type WrittenOddImage } from "./support/odd-images/write-odd-images.ts";
import { createTestDirectory } from "./support/test-directory.ts";
import { compareTrees } from "./support/tree-compare/compare-trees.ts";
import { diskUsageOf } from "./support/tree-compare/disk-usage.ts";
import { readTree } from "./support/tree-compare/read-tree.ts";
import { ContainerdSnapshots } from "./support/unpack/containerd-snapshots.ts";
import { importLayout, unpackByContainerd } from "./support/unpack/unpack-by-containerd.ts";
import { unpackByUs } from "./support/unpack/unpack-by-us.ts";

/**
 * Seeds of images in which containerd's tree is as good as ours; in some others it mixes entries
 * with what is below, or fails where a layer below has a file in place of a folder.
 */
const randomSeeds = Array.from({ length: 100 }, (_, index) => index + 1);

/** The release whose overlay snapshotter is compared with ours for what takes long as well. */
const thoroughLine = containerdLines.at(-1);

for (const line of containerdLines) {
  test(`layers are unpacked as by the overlay snapshotter of containerd ${line}`, async (t) => {
    const stack = stackOf(t);
    const { path: directory } = await createTestDirectory(t, stack);
    const release = await ensureContainerd(line);
    const options = { release, directory: join(directory, "containerd") };
    const containerd = stack.use(await Containerd.start(options));
    if (containerd.snapshotter !== "overlayfs") {
      t.skip("this file system carries no overlay");
      return;
    }
    const layout = join(directory, "layout");
    const { images } = await writeOddImages(
      [
        ...oddImages,
        ...(line === thoroughLine ? [manySmallFilesImage] : []),
        ...randomSeeds.map(randomImage),
      ],
      layout,
    );
    await importLayout(containerd, layout, { archive: join(directory, "layout.tar") });
    const snapshots = stack.use(await ContainerdSnapshots.open(containerd));
    const settings = { limits: defaultLayerLimits, threadsMax: 1, logger: new MemoryLogger() };
    const unpacker = stack.use(new ThreadLayerUnpacker(settings));
    await mkdir(join(directory, "ours"));

    const unpackByBoth = async ({ fixtures }: WrittenOddImage, name: string) => ({
      theirs: await unpackByContainerd(snapshots, fixtures, { name }),
      ours: await unpackByUs(unpacker, fixtures, { directory: join(directory, "ours", name) }),
    });

    for (const [index, image] of images.entries()) {
      await t.test(image.name, async () => {
        const writtenSinceMs = Date.now();
        const { theirs, ours } = await unpackByBoth(image, String(index));

        const { fixtures, isRefused = false, isLeft = false, isRandom = false } = image;
        const layersOfTheirs = isRandom
          ? theirs.directories.length
          : fixtures.length - (isRefused ? 1 : 0);
        const layersOfOurs = layersOfTheirs - (isLeft ? 1 : 0);
        assert.equal(theirs.directories.length, layersOfTheirs, String(theirs.refusal));
        assert.equal(ours.directories.length, layersOfOurs, String(ours.refusal));
        const differences = ours.directories.map((path, layer) => {
          const expected = theirs.directories[layer];
          assert.ok(expected !== undefined);
          const found = compareTrees(
            readTree(path, { writtenSinceMs }),
            readTree(expected, { writtenSinceMs }),
          );
          const implied = ours.unpacked[layer]?.impliedDirectories ?? [];
          return found.filter((difference) => !isTimeOfImplied(difference, implied));
        });
        const last = differences.pop() ?? [];
        assert.deepEqual(last, image.differences ?? []);
        assert.deepEqual(differences.flat(), []);
        assert.deepEqual(
          ours.unpacked.map(({ usage }) => usage),
          await Promise.all(ours.directories.map(diskUsageOf)),
        );
      });
    }
  });
}

/**
 * A folder that no entry describes has the time of its last name in containerd's tree, that of
 * the same folder below in ours, which is the same on all nodes.
 */
function isTimeOfImplied(difference: string, implied: readonly string[]): boolean {
  const path = /^(.*): mtime is "\d+\.\d+", should be "now"$/.exec(difference)?.[1];
  return path !== undefined && implied.includes(path);
}
