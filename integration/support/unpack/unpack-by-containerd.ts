import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { basename } from "node:path";

import type { Mount } from "../../../core/ports/snapshot-store.ts";
import type { LayerFixture } from "../../../core/testing/layer-fixture.ts";
import { runCommand } from "../command.ts";
import type { Containerd } from "../containerd.ts";
import type { ContainerdSnapshots } from "./containerd-snapshots.ts";

/** What became of the layers of an image. */
export interface UnpackOutcome {
  /** Folders of the layers that were unpacked, the bottom one first. */
  readonly directories: readonly string[];
  /** Why the next one was not. */
  readonly refusal?: unknown;
}

/**
 * Puts all blobs of an OCI layout into a containerd's content store.
 *
 * @param archive A file that is there for that time.
 */
export async function importLayout(
  containerd: Containerd,
  layout: string,
  { archive }: { readonly archive: string },
): Promise<void> {
  await runCommand(["tar", "-C", layout, "-cf", archive, "."]);
  const isLocal = containerd.release.line === "2.x" ? ["--local"] : [];
  // A name keeps the collector of garbage from them.
  const flags = [...isLocal, "--no-unpack", "--all-platforms", "--index-name", basename(layout)];
  await containerd.ctr(["images", "import", ...flags, archive]);
  await rm(archive);
}

/** Has containerd unpack layers one above the other, as it does with those of an image. */
export async function unpackByContainerd(
  snapshots: ContainerdSnapshots,
  layers: readonly LayerFixture[],
  { name }: { readonly name: string },
): Promise<UnpackOutcome> {
  const directories: string[] = [];
  for (const [index, { descriptor, diffId }] of layers.entries()) {
    const key = `${name} layer ${index}, active`;
    const parent = index === 0 ? undefined : `${name} layer ${index - 1}`;
    const mounts = await snapshots.prepare(key, parent);
    try {
      // The pull compares the two, and refuses the layer when they differ.
      assert.equal(await snapshots.apply(descriptor, mounts), diffId);
      await snapshots.commit(key, `${name} layer ${index}`);
    } catch (refusal) {
      await snapshots.remove(key);
      return { directories, refusal };
    }
    directories.push(layerDirectoryOf(mounts));
  }
  return { directories };
}

/** Where an overlay snapshotter keeps what a snapshot adds, by how it is mounted. */
export function layerDirectoryOf(mounts: readonly Mount[]): string {
  const [mount] = mounts;
  assert(mount && mounts.length === 1);
  return mount.type === "bind" ? mount.source : optionOf(mount, "upperdir");
}

/** Folders of the layers that a view is of, the bottom one first. */
export function layerDirectoriesOf(view: readonly Mount[]): string[] {
  const [mount] = view;
  assert(mount && view.length === 1);
  if (mount.type === "bind") return [mount.source];
  return optionOf(mount, "lowerdir").split(":").reverse();
}

function optionOf({ options }: Mount, name: string): string {
  const option = options.find((each) => each.startsWith(`${name}=`));
  assert(option !== undefined, `the mount has no ${name}`);
  return option.slice(name.length + 1);
}
