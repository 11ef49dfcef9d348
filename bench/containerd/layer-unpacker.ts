import type { Descriptor } from "../../core/descriptor.ts";
import type { Containerd } from "../../integration/support/containerd.ts";
import { ContainerdSnapshots } from "../../integration/support/unpack/containerd-snapshots.ts";

/** Has a containerd unpack single layers. Dispose of it to close its connection. */
export class LayerUnpacker implements AsyncDisposable {
  readonly #snapshots: ContainerdSnapshots;
  #snapshotsMade = 0;

  private constructor(snapshots: ContainerdSnapshots) {
    this.#snapshots = snapshots;
  }

  static async open(containerd: Containerd): Promise<LayerUnpacker> {
    return new LayerUnpacker(await ContainerdSnapshots.open(containerd));
  }

  /**
   * Unpacks a layer, whose blob must be in containerd's content store, into a new snapshot,
   * which is removed again; gives the milliseconds of the unpack alone.
   */
  async unpack(layer: Descriptor): Promise<number> {
    const key = `bench-${process.pid}-${this.#snapshotsMade++}`;
    const mounts = await this.#snapshots.prepare(key);
    try {
      const start = performance.now();
      await this.#snapshots.apply(layer, mounts);
      return performance.now() - start;
    } finally {
      await this.#snapshots.remove(key);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#snapshots[Symbol.asyncDispose]();
  }
}
