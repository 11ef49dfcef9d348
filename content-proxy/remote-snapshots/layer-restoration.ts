import { createDeadline } from "../../core/async/deadline.ts";
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
import { whileProgressing } from "./progress-watch.ts";
import { layerOfLabels, snapshotRefLabel } from "./remote-layer-labels.ts";

/** How often all layers are tried, with growing pauses in between: for some ten minutes. */
const roundsMax = 15;

/** How long an attempt goes on in which nothing moves: the bytes of a layer may never come. */
const stallMsDefault = 60_000;

/**
 * How long all of it may take, in milliseconds. Containers wait for their layers meanwhile, and
 * a node that starts none is worse than a layer that may be damaged.
 */
const totalMsDefault = 30 * 60_000;

/** What {@link LayerRestoration} works with. */
export interface LayerRestorationDeps {
  readonly snapshots: Pick<
    SnapshotStore,
    "find" | "unsyncedAfterCrash" | "releaseUnsynced" | "createDraft" | "layerPaths"
  >;
  readonly unpacker: Pick<LayerUnpacker, "unpack" | "inherit">;
  readonly bytes: LayerBytesDeps;
  readonly index: Pick<ImageIndex, "find">;
  readonly logger: Logger;
  /** How long to wait after so many failures in a row. */
  readonly pauseMs: (failures: number) => number;
  /** How long an attempt goes on in which nothing moves. */
  readonly stallMs?: number;
  /** How long snapshots may be withheld in all. */
  readonly totalMs?: number;
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
    const bound = createDeadline(this.#stop.signal, this.#deps.totalMs ?? totalMsDefault);
    await this.#runRounds(bound.signal);
    bound[Symbol.dispose]();
    // What was not given up is restored by the next start.
    if (this.#stop.signal.aborted) return;
    for (const record of this.#waiting.values()) await this.#release(record);
    this.#waiting.clear();
    this.#changes.notify();
  }

  async #runRounds(signal: AbortSignal): Promise<void> {
    for (let round = 1; this.#waiting.size > 0 && round <= roundsMax; round++) {
      if (round > 1) await pause(this.#deps.pauseMs(round), signal).catch(() => undefined);
      for (const record of this.#waiting.values()) {
        if (signal.aborted) return;
        if (await this.#restore(record, signal)) this.#waiting.delete(record.name);
        this.#changes.notify();
      }
    }
  }

  /** Whether there is nothing more to do. */
  async #restore(record: SnapshotRecord, signal: AbortSignal): Promise<boolean> {
    const { logger } = this.#deps;
    const { name } = record;
    try {
      if (await this.#attempt(record, signal)) {
        logger.info("restored a layer after a crash", { snapshot: name });
      } else {
        await this.#release(record);
      }
      return true;
    } catch (error) {
      const code = codeOf(error);
      if (code !== "canceled") logger.warn("cannot restore a layer", { snapshot: name, code });
      return error instanceof SnapshotNotFoundError;
    }
  }

  /** Lets a snapshot be used as it is. Never rejects. */
  async #release({ name, labels }: SnapshotRecord): Promise<void> {
    const { snapshots, logger } = this.#deps;
    const layer = { snapshot: name, chainId: labels[snapshotRefLabel] };
    logger.error("a layer may have lost files in a crash and cannot be restored", layer);
    try {
      await snapshots.releaseUnsynced(name);
    } catch (error) {
      logger.error("cannot note that a layer may be damaged", { ...layer, error });
    }
  }

  /**
   * Unpacks a snapshot again for as long as something moves; false when it cannot be told from
   * what. Nothing of it goes on when it has settled.
   */
  async #attempt(record: SnapshotRecord, signal: AbortSignal): Promise<boolean> {
    const attempt = createDeadline(signal);
    let moves = 0;
    const restored = this.#renew(record, attempt.signal, () => moves++);
    const timeoutMs = this.#deps.stallMs ?? stallMsDefault;
    // The signal ends it when all takes too long.
    const limitMs = Number.POSITIVE_INFINITY;
    try {
      const watch = { progress: () => moves, timeoutMs, limitMs, signal };
      const outcome = await whileProgressing(restored, watch).catch(() => undefined);
      if (outcome === undefined) attempt.abort(new DOMException("Nothing moves", "TimeoutError"));
      return await restored;
    } finally {
      attempt[Symbol.dispose]();
    }
  }

  async #renew(
    record: SnapshotRecord,
    signal: AbortSignal,
    onProgress: () => void,
  ): Promise<boolean> {
    const layer = await this.#layerOf(record, signal);
    if (layer) await this.#unpack(record, layer, { signal, onProgress });
    return layer !== undefined;
  }

  /** What it was unpacked from, by whomever; `undefined` when that cannot be told. */
  async #layerOf({ labels }: SnapshotRecord, signal: AbortSignal): Promise<ImageLayer | undefined> {
    const { [snapshotRefLabel]: chainId = "" } = labels;
    const known = layerOfLabels(labels);
    if (known || !isDigest(chainId)) return known;
    return (await this.#deps.index.find(chainId, { signal }))?.layer;
  }

  async #unpack(
    { name }: SnapshotRecord,
    layer: ImageLayer,
    { signal, onProgress }: Cancellable & { readonly onProgress: () => void },
  ): Promise<void> {
    const { snapshots, unpacker, bytes } = this.#deps;
    const { diffId, descriptor } = layer;
    const file = await openLayerBytes(bytes, descriptor, { signal });
    try {
      onProgress();
      const draft = await snapshots.createDraft();
      try {
        const { digest, mediaType } = descriptor;
        const blob = { digest, mediaType, diffId, file, onProgress };
        const order = { ...blob, into: draft.path, isLowest: isLowest(layer) };
        const { impliedDirectories, usage } = await unpacker.unpack(order, { signal });
        const [, ...parents] = snapshots.layerPaths(name);
        await unpacker.inherit({ path: draft.path, impliedDirectories }, parents);
        signal.throwIfAborted();
        await draft.replace(name, { usage });
      } finally {
        await draft.discard();
      }
    } finally {
      await file[Symbol.asyncDispose]();
    }
  }
}
