import { access } from "node:fs/promises";
import { dirname } from "node:path";

import type { Descriptor } from "../../core/descriptor.ts";
import type { Mount } from "../../core/ports/snapshot-store.ts";
import type { Containerd } from "../../integration/support/containerd.ts";
import { pollUntil } from "../../integration/support/poll.ts";
import { ContainerdSnapshots } from "../../integration/support/unpack/containerd-snapshots.ts";
import { layerDirectoryOf } from "../../integration/support/unpack/unpack-by-containerd.ts";

/** How long containerd may take to delete a large snapshot, after it was told. */
const removedWithinMs = 60_000;

export interface LayerUnpackerOptions {
  /**
   * Whether layers are unpacked above another, as all but the bottom one of an image are:
   * straight into an overlay directory, not through a mount.
   */
  readonly above?: boolean;
}

/** Has a containerd unpack single layers. Dispose of it to close its connection. */
export class LayerUnpacker implements AsyncDisposable {
  readonly #snapshots: ContainerdSnapshots;
  readonly #parent: string | undefined;
  #snapshotsMade = 0;

  private constructor(snapshots: ContainerdSnapshots, parent: string | undefined) {
    this.#snapshots = snapshots;
    this.#parent = parent;
  }

  static async open(
    containerd: Containerd,
    { above = false }: LayerUnpackerOptions = {},
  ): Promise<LayerUnpacker> {
    const snapshots = await ContainerdSnapshots.open(containerd);
    if (!above) return new LayerUnpacker(snapshots, undefined);
    await snapshots.prepare("bench bottom, active");
    await snapshots.commit("bench bottom, active", "bench bottom");
    return new LayerUnpacker(snapshots, "bench bottom");
  }

  /**
   * Unpacks a layer, whose blob must be in containerd's content store, into a new snapshot,
   * which is removed again; gives the milliseconds of the unpack alone.
   */
  async unpack(layer: Descriptor): Promise<number> {
    const key = `bench-${process.pid}-${this.#snapshotsMade++}`;
    const mounts = await this.#snapshots.prepare(key, this.#parent);
    try {
      const start = performance.now();
      await this.#snapshots.apply(layer, mounts);
      return performance.now() - start;
    } finally {
      await this.#snapshots.remove(key);
      await untilDeleted(mounts);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#snapshots[Symbol.asyncDispose]();
  }
}

/** What containerd still deletes would slow down whoever is next. */
async function untilDeleted(mounts: readonly Mount[]): Promise<void> {
  const snapshot = dirname(layerDirectoryOf(mounts));
  const isGone = () =>
    access(snapshot).then(
      () => false,
      () => true,
    );
  await pollUntil(isGone, { what: "containerd to delete a snapshot", withinMs: removedWithinMs });
}
