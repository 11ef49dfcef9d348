import { abortable, createDeadline } from "../../core/async/deadline.ts";
import { Notifier } from "../../core/async/notifier.ts";
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

/** Id of the lease, one in each namespace: what a program that was killed left can be ended. */
const lease = "shoal-layers";

/** How long a lease is good that nobody ends. */
const leaseLifeMs = 3_600_000;

/**
 * How long a lease is kept for the next layer. Between two layers of a pull there are some
 * milliseconds; and each end of a lease costs containerd a garbage collection.
 */
const lingerMs = 2000;

/** Times that a layer is tried which containerd refuses for a reason that may pass. */
const triesMax = 10;

/** Layers that wait: those of some dozens of images. */
const waitingMax = 10_000;

/**
 * The label by which containerd remembers the diffID of a blob that it has unpacked.
 *
 * @see containerd core/labels/labels.go: LabelUncompressed
 */
const uncompressedLabel = "containerd.io/uncompressed";

/** Labels of a blob that tell which repositories of which registries have it. */
const sourceLabel = /^containerd\.io\/distribution\.source\./;

/** What a {@link NamespaceRegistration} works with. */
export interface NamespaceRegistrationDeps {
  readonly metadata: ContainerdMetadata;
  readonly arrivals: {
    find: (digest: Digest) => Pick<Arrival, "promised" | "settled"> | undefined;
  };
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long to wait after so many failures in a row. */
  readonly pauseMs: (failures: number) => number;
}

/**
 * Has one namespace of containerd's know of the blobs of layers, one after the other, until
 * for a while there are no more.
 */
export class NamespaceRegistration {
  /** Resolves when it is over; it takes no layers then. */
  readonly done: Promise<void>;
  readonly #deps: NamespaceRegistrationDeps;
  readonly #options: InNamespace;
  readonly #waiting = new Map<Digest, UnregisteredLayer>();
  readonly #tries = new Map<Digest, number>();
  readonly #changes = new Notifier();
  #isBusy = false;
  #failures = 0;
  #isOver = false;

  /** @param options.after What must be over before: it has the same lease. */
  constructor(
    deps: NamespaceRegistrationDeps,
    { after, ...options }: InNamespace & { readonly after?: Promise<void> | undefined },
  ) {
    this.#deps = deps;
    this.#options = options;
    this.done = this.#run(after);
  }

  /** False when it is over. */
  add(unregistered: UnregisteredLayer): boolean {
    if (this.#isOver) return false;
    if (this.#waiting.size >= waitingMax) return true;
    this.#waiting.set(unregistered.layer.descriptor.digest, unregistered);
    this.#changes.notify();
    return true;
  }

  /** Resolves when all is registered that was added, or containerd does not answer. */
  async settled({ signal }: Cancellable): Promise<void> {
    while ((this.#isBusy || this.#waiting.size > 0) && this.#failures === 0 && !this.#isOver) {
      await this.#changes.changed(signal);
    }
  }

  /** Never rejects. containerd may be away for a while. */
  async #run(after: Promise<void> | undefined): Promise<void> {
    const { metadata, logger, pauseMs } = this.#deps;
    const { namespace, signal } = this.#options;
    await after;
    while (!this.#isOver) {
      try {
        await metadata.deleteLease(lease, this.#options);
        if (await this.#isMore()) await this.#registerAll();
      } catch (error) {
        const code = codeOf(error);
        if (++this.#failures === 1 && !signal.aborted) {
          logger.warn("cannot register layers with containerd", { namespace, code, error });
        }
        this.#changes.notify();
        await pause(pauseMs(this.#failures), signal).catch(() => undefined);
      }
    }
  }

  /** Registers what is there and what comes soon, under one lease. */
  async #registerAll(): Promise<void> {
    const { metadata, clock, logger } = this.#deps;
    const { namespace } = this.#options;
    const expiresAt = new Date(Number(clock.now() / 1_000_000n) + leaseLifeMs);
    await metadata.createLease(lease, { ...this.#options, expiresAt });
    let count = 0;
    try {
      while (await this.#isMore()) {
        for (const unregistered of this.#waiting.values()) {
          if (await this.#attempt(unregistered)) count++;
        }
      }
    } finally {
      // Else it ends by itself.
      await metadata.deleteLease(lease, this.#options).catch(() => undefined);
    }
    logger.debug("registered layers with containerd", { namespace, count });
  }

  /** Whether there is a layer to register, now or in a moment. It is over if not. */
  async #isMore(): Promise<boolean> {
    const { signal } = this.#options;
    const deadline = createDeadline(signal, lingerMs);
    try {
      if (this.#waiting.size === 0) await this.#changes.changed(deadline.signal);
    } catch {
      // Nothing came.
    } finally {
      deadline[Symbol.dispose]();
    }
    this.#isOver = this.#waiting.size === 0 || signal.aborted;
    return !this.#isOver;
  }

  /** Takes a layer out of those that wait; one that fails comes after all others. */
  async #attempt(unregistered: UnregisteredLayer): Promise<boolean> {
    const { digest } = unregistered.layer.descriptor;
    this.#waiting.delete(digest);
    this.#isBusy = true;
    try {
      const isRegistered = await this.#register(unregistered);
      this.#failures = 0;
      return isRegistered;
    } catch (error) {
      const tries = (this.#tries.get(digest) ?? 0) + 1;
      this.#tries.set(digest, tries);
      if (tries < triesMax) this.#waiting.set(digest, unregistered);
      else this.#deps.logger.warn("layer is not registered with containerd", { digest, tries });
      throw error;
    } finally {
      this.#isBusy = false;
      this.#changes.notify();
    }
  }

  async #register({ layer, manifest }: UnregisteredLayer): Promise<boolean> {
    const { metadata, arrivals, logger } = this.#deps;
    const { digest, size } = layer.descriptor;
    const arrival = arrivals.find(digest);
    // One that containerd relies on already is its own, whole or not.
    if (arrival?.promised === false) await abortable(arrival.settled(), this.#options.signal);
    const sources = Object.entries((await metadata.labelsOf(manifest, this.#options)) ?? {});
    const labels: Labels = {
      ...Object.fromEntries(sources.filter(([key]) => sourceLabel.test(key))),
      [uncompressedLabel]: layer.diffId,
    };
    const blob = { digest, size, labels };
    const isRegistered = await metadata.register(blob, { ...this.#options, lease });
    // The image runs, but cannot be pushed or exported.
    if (!isRegistered) logger.warn("cannot register a layer: its blob is not here", { digest });
    return isRegistered;
  }
}
