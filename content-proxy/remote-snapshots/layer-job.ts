import { FirstTurn } from "../../core/async/first-turn.ts";
import type { Limiter } from "../../core/async/limiter.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type {
  LayerUnpacker,
  UnpackProgress,
  UnpackedLayer,
} from "../../core/ports/layer-unpacker.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { LayerDraft, SnapshotStore } from "../../core/ports/snapshot-store.ts";
import type { LayerReport } from "../../core/service-status.ts";
import { type LayerBytes, type LayerBytesDeps, openLayerBytes } from "./layer-bytes.ts";
import { type ImageLayer, isLowest } from "./layered-image.ts";

/** What a {@link LayerJob} works with. */
export interface LayerJobDeps {
  readonly bytes: LayerBytesDeps;
  readonly unpacker: Pick<LayerUnpacker, "unpack">;
  readonly snapshots: Pick<SnapshotStore, "createDraft">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A layer that is unpacked, and no snapshot yet. Whose it is commits or discards the draft. */
export interface UnpackedDraft {
  readonly draft: LayerDraft;
  readonly unpacked: UnpackedLayer;
}

/**
 * One layer on its way from the swarm to a directory, ahead of containerd's question for it. It
 * begins at its turn in a line; see {@link LayerJob.waitIn}.
 */
export class LayerJob implements AsyncDisposable {
  readonly layer: ImageLayer;
  readonly #deps: LayerJobDeps;
  readonly #stop = new AbortController();
  readonly #turn: FirstTurn;
  #bytes: LayerBytes | undefined;
  #progress: UnpackProgress = { bytesRead: 0, bytesWritten: 0, entries: 0 };
  /** Set when its turn came, and when it was over. */
  #startedMs: number | undefined;
  #endedMs: number | undefined;
  #hasFailed = false;
  #result: UnpackedDraft | undefined;

  constructor(deps: LayerJobDeps, layer: ImageLayer) {
    this.#deps = deps;
    this.layer = layer;
    this.#turn = new FirstTurn(() => this.#unpack(), this.#stop);
    this.finished().catch(() => (this.#hasFailed = true));
  }

  /** Its turn has not come. */
  get isWaiting(): boolean {
    return this.#startedMs === undefined;
  }

  /** Has it wait for its turn in a line, in one more if it waits already. */
  waitIn(line: Limiter): void {
    this.#turn.waitIn(line);
  }

  /** Another number after anything has happened. */
  get activity(): number {
    const { bytesRead, bytesWritten, entries } = this.#progress;
    return (this.#bytes?.bytesHere ?? 0) + bytesRead + bytesWritten + entries;
  }

  /**
   * Resolves when the layer is unpacked.
   *
   * @throws what the unpacker throws, {UnavailableError} {StorageFullError}, and an abort when
   *   the job was disposed of
   */
  async finished(): Promise<void> {
    await this.#turn.finished();
  }

  /** Hands the unpacked layer over; `undefined` before it is one, and to all but the first. */
  take(): UnpackedDraft | undefined {
    const result = this.#result;
    this.#result = undefined;
    return result;
  }

  report(): LayerReport {
    const { chainId, descriptor } = this.layer;
    const { digest, size } = descriptor;
    const bytes = Math.min(size, this.#progress.bytesRead);
    const elapsedMs = (this.#endedMs ?? this.#deps.clock.monotonicMs()) - (this.#startedMs ?? 0);
    return {
      ...{ chainId, digest, state: this.#state, bytes, size, entries: this.#progress.entries },
      ...(bytes > 0 && elapsedMs > 0 && { bytesPerSecond: Math.round((bytes * 1000) / elapsedMs) }),
    };
  }

  /** Stops it, and deletes what it has made unless that was taken. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#endedMs === undefined) {
      this.#stop.abort(new DOMException("The layer is not wanted any more", "AbortError"));
    }
    await this.finished().catch(() => undefined);
    await this.take()?.draft.discard();
  }

  get #state(): LayerReport["state"] {
    if (this.#hasFailed) return "failed";
    if (this.isWaiting) return "waiting";
    if (this.#endedMs !== undefined) return "done";
    const bytesHere = this.#bytes?.bytesHere ?? 0;
    return bytesHere < this.layer.descriptor.size ? "arriving" : "unpacking";
  }

  async #unpack(): Promise<void> {
    const { bytes, clock } = this.#deps;
    this.#startedMs = clock.monotonicMs();
    try {
      this.#bytes = await openLayerBytes(bytes, this.layer.descriptor, this.#stop);
      this.#logBegin(this.#bytes);
      try {
        this.#result = await this.#unpackFrom(this.#bytes);
      } finally {
        await this.#bytes[Symbol.asyncDispose]();
      }
    } finally {
      this.#endedMs = clock.monotonicMs();
    }
    this.#logEnd();
  }

  async #unpackFrom(file: LayerBytes): Promise<UnpackedDraft> {
    const { unpacker, snapshots } = this.#deps;
    const { diffId, descriptor } = this.layer;
    const { digest, mediaType } = descriptor;
    const draft = await snapshots.createDraft();
    const blob = { digest, mediaType, diffId, file };
    const order = { ...blob, into: draft.path, isLowest: isLowest(this.layer) };
    const onProgress = (progress: UnpackProgress) => void (this.#progress = progress);
    try {
      return { draft, unpacked: await unpacker.unpack({ ...order, onProgress }, this.#stop) };
    } catch (error) {
      await draft.discard();
      throw error;
    }
  }

  /** All are here of a layer from the store, else the first that arrived. */
  #logBegin({ bytesHere }: LayerBytes): void {
    const { digest, size } = this.layer.descriptor;
    this.#deps.logger.info("unpacking a layer", { digest, bytes: size, bytesHere });
  }

  #logEnd(): void {
    const { digest, size, entries, bytesPerSecond } = this.report();
    const durationMs = Math.round((this.#endedMs ?? 0) - (this.#startedMs ?? 0));
    const { bytesWritten } = this.#progress;
    this.#deps.logger.info("unpacked a layer", {
      ...{ digest, bytes: size, bytesWritten, entries, durationMs, bytesPerSecond },
    });
  }
}
