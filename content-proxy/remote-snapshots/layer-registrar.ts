import { abortable } from "../../core/async/deadline.ts";
import { pause } from "../../core/async/pause.ts";
import type { Digest } from "../../core/digest.ts";
import { codeOf } from "../../core/errors.ts";
import type { Labels } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { Arrival } from "../arrival.ts";
import type { ContainerdMetadata, InNamespace } from "./containerd-metadata.ts";
import type { UnregisteredLayer } from "./unregistered-layers.ts";

/** How long a lease is good that we cannot end ourselves, as when this program is killed. */
const leaseLifeMs = 3_600_000;

/** Layers that wait for containerd in one namespace: those of some dozens of images. */
const waitingMax = 10_000;

/**
 * The label by which containerd remembers the diffID of a blob that it has unpacked.
 *
 * @see containerd core/labels/labels.go: LabelUncompressed
 */
const uncompressedLabel = "containerd.io/uncompressed";

/** Labels of a blob that tell which repositories of which registries have it. */
const sourceLabel = /^containerd\.io\/distribution\.source\./;

/** What {@link LayerRegistrar} works with. */
export interface LayerRegistrarDeps {
  readonly metadata: ContainerdMetadata;
  readonly arrivals: {
    find: (digest: Digest) => Pick<Arrival, "promised" | "settled"> | undefined;
  };
  /** Finds what was left out before the last end of this program. */
  readonly unregistered: (options: Cancellable) => AsyncIterable<UnregisteredLayer>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long to wait after so many failures in a row. */
  readonly pauseMs: (failures: number) => number;
}

/**
 * Has containerd know of the blobs of layers that it did not fetch, so that images can be
 * pushed and exported. It is done in the background, one blob after the other.
 *
 * A lease keeps the blobs of a round from containerd's garbage collection while it goes on. Then
 * the image does, or the lease of its pull: they hold the manifest, whose labels name the layers
 * since before the first question for a snapshot. A blob that nobody names any more goes.
 *
 * @see containerd core/images/handlers.go: SetChildrenMappedLabels
 */
export class LayerRegistrar implements AsyncDisposable {
  readonly #deps: LayerRegistrarDeps;
  readonly #stop = new AbortController();
  /** By namespace. */
  readonly #rounds = new Map<string, Round>();
  readonly #running = new Set<Promise<void>>();

  constructor(deps: LayerRegistrarDeps) {
    this.#deps = deps;
  }

  /** Registers a layer, once its blob is here whole. */
  add(unregistered: UnregisteredLayer): void {
    const { namespace, layer } = unregistered;
    if (this.#stop.signal.aborted) return;
    const round = this.#rounds.get(namespace) ?? this.#start(namespace);
    if (round.waiting.size >= waitingMax) return;
    round.waiting.set(layer.descriptor.digest, unregistered);
  }

  /** Goes on with what was left out before the last end of this program. */
  resume(): void {
    const find = async (signal: AbortSignal) => {
      for await (const found of this.#deps.unregistered({ signal })) this.add(found);
    };
    void this.#own(this.#insist("cannot look for layers to register", find));
  }

  /** Resolves when all is registered that was added of a namespace, or was given up. */
  async settled(namespace: string, { signal }: Cancellable): Promise<void> {
    const round = this.#rounds.get(namespace);
    if (round) await abortable(round.done, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("The registrar was stopped", "AbortError"));
    await Promise.all(this.#running);
  }

  #start(namespace: string): Round {
    const waiting: Round["waiting"] = new Map();
    // Begins when the first layer is in.
    const working = Promise.resolve().then(() =>
      this.#insist("cannot register layers with containerd", async (signal) => {
        while (waiting.size > 0) await this.#registerAll(waiting, { namespace, signal });
        this.#rounds.delete(namespace);
      }),
    );
    const round = { waiting, done: this.#own(working) };
    this.#rounds.set(namespace, round);
    return round;
  }

  async #registerAll(waiting: Round["waiting"], options: InNamespace): Promise<void> {
    const { metadata, clock, logger } = this.#deps;
    const expiresAt = new Date(Number(clock.now() / 1_000_000n) + leaseLifeMs);
    const lease = await metadata.createLease({ ...options, expiresAt });
    let count = 0;
    try {
      for (const [digest, unregistered] of waiting) {
        waiting.delete(digest);
        try {
          if (await this.#register(unregistered, { ...options, lease })) count++;
        } catch (error) {
          waiting.set(digest, unregistered);
          throw error;
        }
      }
    } finally {
      // Else it ends by itself.
      await metadata.deleteLease(lease, options).catch(() => undefined);
    }
    logger.debug("registered layers with containerd", { namespace: options.namespace, count });
  }

  async #register(
    { layer, manifest }: UnregisteredLayer,
    options: InNamespace & { readonly lease: string },
  ): Promise<boolean> {
    const { metadata, arrivals, logger } = this.#deps;
    const { digest, size } = layer.descriptor;
    const arrival = arrivals.find(digest);
    // One that containerd relies on already is its own, whole or not.
    if (arrival?.promised === false) await abortable(arrival.settled(), options.signal);
    const sources = Object.entries((await metadata.labelsOf(manifest, options)) ?? {});
    const labels: Labels = {
      ...Object.fromEntries(sources.filter(([key]) => sourceLabel.test(key))),
      [uncompressedLabel]: layer.diffId,
    };
    const isRegistered = await metadata.register({ digest, size, labels }, options);
    // The image runs, but cannot be pushed or exported.
    if (!isRegistered)
      logger.warn("cannot register a layer: its blob is not to be had", { digest });
    return isRegistered;
  }

  /** Does something until it has worked: containerd may be away for a while. Never rejects. */
  async #insist(problem: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        await work(signal);
        return;
      } catch (error) {
        const code = codeOf(error);
        if (failures === 1 && code !== "canceled") this.#deps.logger.warn(problem, { code, error });
        await pause(this.#deps.pauseMs(failures), signal).catch(() => undefined);
      }
    }
  }

  #own(work: Promise<void>): Promise<void> {
    this.#running.add(work);
    return work.finally(() => this.#running.delete(work));
  }
}

/** The layers that a namespace waits for, the one that is worked on not among them. */
interface Round {
  readonly waiting: Map<Digest, UnregisteredLayer>;
  readonly done: Promise<void>;
}
