import type { CacheBudget } from "../../core/blob-life/cache-budget.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { StorageFullError } from "../../core/errors.ts";
import { blobsBelow } from "../../core/image-walk.ts";
import type { NodeTask } from "../../core/node-task.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Provenance } from "../provenance/provenance.ts";
import { readBlob } from "../read-blob.ts";
import type { RecentBlobs } from "../recent-blobs.ts";
import type { PreheatDownloads } from "./preheat-downloads.ts";

/** What {@link ImagePreheat} works with. */
export interface ImagePreheatDeps {
  readonly store: Pick<BlobReader, "find" | "read">;
  readonly downloads: Pick<PreheatDownloads, "obtain">;
  readonly provenance: Pick<Provenance, "learn">;
  readonly recent: Pick<RecentBlobs, "hold">;
  readonly budget: Pick<CacheBudget, "enforce">;
  /** Bytes that blobs may take which containerd does not own. */
  readonly budgetBytes: number;
}

/** How far an image is. */
export interface ImageProgress {
  readonly state: "fetching" | "paused";
  readonly bytes: number;
  readonly size: number;
}

/**
 * One image on its way to this node: the manifests, then what they name, as blobs that are
 * cached. None of them leaves for another of the same image.
 */
export class ImagePreheat {
  readonly #task: NodeTask;
  readonly #deps: ImagePreheatDeps;
  readonly #parts = new Map<Digest, { readonly blob: Descriptor; bytes: number }>();
  readonly #holds: Disposable[] = [];
  readonly #failures: unknown[] = [];
  #pausedCount = 0;

  constructor(task: NodeTask, deps: ImagePreheatDeps) {
    this.#task = task;
    this.#deps = deps;
  }

  get progress(): ImageProgress {
    let [bytes, size] = [0, 0];
    for (const part of this.#parts.values()) {
      bytes += part.bytes;
      size += part.blob.size;
    }
    return { state: this.#pausedCount > 0 ? "paused" : "fetching", bytes, size };
  }

  /**
   * Resolves when all of the image is here.
   *
   * @throws {StorageFullError} when it does not fit into the cache.
   * @throws what comes of a blob that cannot be had, after the others were tried
   */
  async run({ signal }: Cancellable): Promise<void> {
    try {
      const blobs = await blobsBelow(this.#task.top, {
        platforms: this.#task.platforms,
        manifest: async (descriptor) => {
          this.#note([descriptor]);
          await this.#obtain(descriptor, { signal });
          return readBlob(this.#deps.store, descriptor, { signal });
        },
        onFailure: (_, error) => void this.#failures.push(error),
      });
      this.#note(blobs);
      await this.#makeRoom();
      const obtaining = blobs.map((blob) =>
        this.#obtain(blob, { signal }).catch((error: unknown) => void this.#failures.push(error)),
      );
      await Promise.all(obtaining);
    } finally {
      for (const hold of this.#holds.splice(0)) hold[Symbol.dispose]();
    }
    signal.throwIfAborted();
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  #note(blobs: readonly Descriptor[]): void {
    const { provenance, recent } = this.#deps;
    for (const blob of blobs) {
      if (this.#parts.has(blob.digest)) continue;
      this.#parts.set(blob.digest, { blob, bytes: 0 });
      provenance.learn(this.#task.image, blob);
      this.#holds.push(recent.hold(blob.digest));
    }
  }

  /** What containerd owns is in no budget; the rest must fit, whole and with all others. */
  async #makeRoom(): Promise<void> {
    const { store, budget, budgetBytes } = this.#deps;
    let [cachedBytes, missingBytes] = [0, 0];
    for (const { blob } of this.#parts.values()) {
      const record = store.find(blob.digest);
      if (!record?.owned) cachedBytes += blob.size;
      if (!record) missingBytes += blob.size;
    }
    if (cachedBytes > budgetBytes) {
      throw new StorageFullError(
        `Cannot keep the image: its ${cachedBytes} bytes are more than the cache's budget of ${budgetBytes}`,
      );
    }
    const overBytes = await budget.enforce(missingBytes);
    // Who lacks nothing needs no room, however full the disk is of what others put there.
    if (overBytes === 0 || missingBytes === 0) return;
    throw new StorageFullError(
      `Cannot keep the image: the disk, or what is in use in the cache, leaves no room for ${missingBytes} bytes`,
    );
  }

  async #obtain(blob: Descriptor, { signal }: Cancellable): Promise<void> {
    const part = this.#parts.get(blob.digest);
    let isPaused = false;
    const onPause = (isNow: boolean) => {
      if (isPaused !== isNow) this.#pausedCount += isNow ? 1 : -1;
      isPaused = isNow;
    };
    const onBytes = (bytes: number) => {
      if (part) part.bytes = bytes;
    };
    try {
      // One of no bytes is made by containerd itself.
      if (blob.size > 0) await this.#deps.downloads.obtain(blob, { signal, onBytes, onPause });
    } finally {
      onPause(false);
    }
  }
}
