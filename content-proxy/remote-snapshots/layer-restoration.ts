import { Notifier } from "../../core/async/notifier.ts";
import { pause } from "../../core/async/pause.ts";
import { isDigest } from "../../core/digest.ts";
import { SnapshotNotFoundError, codeOf } from "../../core/errors.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { LayerUnpacker } from "../../core/ports/layer-unpacker.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { SnapshotRecord, SnapshotStore } from "../../core/ports/snapshot-store.ts";
import type { ImageIndex } from "./image-index.ts";
import { type LayerBytesDeps, openLayerBytes } from "./layer-bytes.ts";
import { type ImageLayer, isLowest } from "./layered-image.ts";
import { layerOfLabels, snapshotRefLabel } from "./remote-layer-labels.ts";

/** How often all layers are tried, with growing pauses in between: for some ten minutes. */
const roundsMax = 15;

/** What {@link LayerRestoration} works with. */
export interface LayerRestorationDeps {
  readonly snapshots: Pick<
    SnapshotStore,
    "find" | "unsyncedAfterCrash" | "createDraft" | "layerPaths"
  >;
  readonly unpacker: Pick<LayerUnpacker, "unpack" | "inherit">;
  readonly bytes: LayerBytesDeps;
  readonly index: Pick<ImageIndex, "find">;
  readonly logger: Logger;
  /** How long to wait after so many failures in a row. */
  readonly pauseMs: (failures: number) => number;
}

/**
 * Unpacks layers again whose files may not have reached the disk before the machine went down.
 * Their snapshots are containerd's since long, so nobody else would.
 */
export class LayerRestoration implements AsyncDisposable {
  readonly #deps: LayerRestorationDeps;
  readonly #stop = new AbortController();
  /** Snapshots that are not done with, the lower ones first. */
  readonly #waiting = new Map<string, SnapshotRecord>();
  readonly #changes = new Notifier();
  #running: Promise<void> = Promise.resolve();

  constructor(deps: LayerRestorationDeps) {
    this.#deps = deps;
  }

  /** Begins with what the store tells of. */
  start(): void {
    const { snapshots } = this.#deps;
    const depthOf = ({ name }: SnapshotRecord) => snapshots.layerPaths(name).length;
    const records = [...snapshots.unsyncedAfterCrash()];
    records.sort((one, other) => depthOf(one) - depthOf(other));
    for (const record of records) this.#waiting.set(record.name, record);
    this.#running = this.#restoreAll();
  }

  /** Resolves when a snapshot and all below it are restored, or given up; at once for most. */
  async settled(name: string, { signal }: Cancellable): Promise<void> {
    while (this.#isWaiting(name)) await this.#changes.changed(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("The restoration was stopped", "AbortError"));
    await this.#running;
  }

  #isWaiting(name: string): boolean {
    if (this.#waiting.size === 0) return false;
    let next: string | undefined = name;
    while (next !== undefined && !this.#waiting.has(next)) {
      next = this.#deps.snapshots.find(next)?.parent;
    }
    return next !== undefined;
  }

  /** Never rejects. */
  async #restoreAll(): Promise<void> {
    const { signal } = this.#stop;
    for (let round = 1; this.#waiting.size > 0 && round <= roundsMax; round++) {
      if (round > 1) await pause(this.#deps.pauseMs(round), signal).catch(() => undefined);
      for (const record of this.#waiting.values()) {
        if (signal.aborted) return;
        if (await this.#restore(record)) this.#waiting.delete(record.name);
        this.#changes.notify();
      }
    }
    this.#waiting.clear();
    this.#changes.notify();
  }

  /** Whether there is nothing more to do. */
  async #restore(record: SnapshotRecord): Promise<boolean> {
    const { logger } = this.#deps;
    const { name } = record;
    try {
      const layer = await this.#layerOf(record);
      if (layer) await this.#unpack(record, layer);
      if (layer) logger.info("restored a layer after a crash", { snapshot: name });
      else logger.warn("a snapshot may have lost files in a crash", { snapshot: name });
      return true;
    } catch (error) {
      const code = codeOf(error);
      if (code !== "canceled") logger.warn("cannot restore a layer", { snapshot: name, code });
      return error instanceof SnapshotNotFoundError;
    }
  }

  /** What it was unpacked from, by whomever; `undefined` when that cannot be told. */
  async #layerOf({ labels }: SnapshotRecord): Promise<ImageLayer | undefined> {
    const { [snapshotRefLabel]: chainId = "" } = labels;
    const known = layerOfLabels(labels);
    if (known || !isDigest(chainId)) return known;
    return (await this.#deps.index.find(chainId, this.#stop))?.layer;
  }

  async #unpack({ name }: SnapshotRecord, layer: ImageLayer): Promise<void> {
    const { snapshots, unpacker, bytes } = this.#deps;
    const { diffId, descriptor } = layer;
    const file = await openLayerBytes(bytes, descriptor, this.#stop);
    try {
      const draft = await snapshots.createDraft();
      try {
        const { digest, mediaType } = descriptor;
        const blob = { digest, mediaType, diffId, file };
        const order = { ...blob, into: draft.path, isLowest: isLowest(layer) };
        const { impliedDirectories, usage } = await unpacker.unpack(order, this.#stop);
        const [, ...parents] = snapshots.layerPaths(name);
        await unpacker.inherit({ path: draft.path, impliedDirectories }, parents);
        await draft.replace(name, { usage });
      } finally {
        await draft.discard();
      }
    } finally {
      await file[Symbol.asyncDispose]();
    }
  }
}
