import { LRUCache } from "lru-cache";

import { Limiter } from "../../core/async/limiter.ts";
import { algorithmOf, type Digest } from "../../core/digest.ts";
import { type ErrorCode, codeOf } from "../../core/errors.ts";
import { isTarLayer } from "../../core/media-type.ts";
import { type LayerReport, statusListMax } from "../../core/service-status.ts";
import type { LayerPlace } from "./image-index.ts";
import { LayerJob, type LayerJobDeps } from "./layer-job.ts";
import type { ImageLayer } from "./layered-image.ts";

/**
 * How long layers stay that nobody asks for any more: between two questions of one pull
 * containerd may fetch and unpack a layer by itself.
 */
const unclaimedMs = 60_000;

/** Jobs at once, in all states: those of a dozen images of the most layers that there can be. */
const jobsMax = 1500;

/** Layers that could not be unpacked and are remembered. */
const failuresMax = 10_000;

/** How long a layer is left alone after it could not be had: a retried pull finds it soon. */
const absentMs = 10_000;

/** How long a layer is left alone that is damaged, or more than is allowed, or has no room. */
const refusedMs = 300_000;

/** Jobs that are told of a while longer, for people to see that they are done. */
const endedMax = 200;
const endedMs = 600_000;

/**
 * Layers that arrive and are unpacked at once, whoever's they are, and as many more that are
 * here already. Enough to keep the threads
 * busy while some wait for bytes; few enough that the lower layers come first: containerd waits
 * for one layer at a time, and a garbage collection of its waits with it.
 */
const layersAtOnceMax = 8;

/**
 * Layers that arrive beside those because containerd waits for them now: one of each image that
 * is pulled. With those that arrive a single thread of the unpacker has room for some more, so
 * that they never keep it from layers that are here.
 */
const askedAtOnceMax = 4;

/** The layers that are unpacked ahead of containerd's questions, one job for each chainID. */
export class LayerJobs implements AsyncDisposable {
  readonly #deps: LayerJobDeps;
  readonly #arriving = new Limiter(layersAtOnceMax);
  /** Layers of which every byte is here do not wait for those that trickle in. */
  readonly #whole = new Limiter(layersAtOnceMax);
  /** Nor does what containerd waits for. */
  readonly #asked = new Limiter(askedAtOnceMax);
  readonly #jobs = new Map<Digest, LayerJob>();
  readonly #claims = new Map<LayerJob, number>();
  readonly #failures = new LRUCache<Digest, ErrorCode>({ max: failuresMax });
  readonly #ended = new LRUCache<Digest, LayerJob>({ max: endedMax, ttl: endedMs });
  readonly #stopping = new Set<Promise<void>>();
  #activityBefore = 0;
  #isClosed = false;

  constructor(deps: LayerJobDeps) {
    this.#deps = deps;
  }

  /** Another number after anything has happened with any job. */
  get activity(): number {
    let sum = this.#activityBefore;
    for (const job of this.#jobs.values()) sum += job.activity;
    return sum;
  }

  find(chainId: Digest): LayerJob | undefined {
    return this.#jobs.get(chainId);
  }

  /**
   * Starts what can be started of a layer and all layers above it, the lower ones first, and
   * keeps it going until the result is disposed of, and a while longer.
   *
   * @param options.isThere Whether a layer above it has a snapshot already.
   */
  want(
    { image, layer, index }: LayerPlace,
    { isThere }: { readonly isThere: (layer: ImageLayer) => boolean },
  ): Disposable {
    const above = image.layers.slice(index + 1).filter((each) => !isThere(each));
    const jobs = [layer, ...above].flatMap((each) => {
      const job = this.#jobs.get(each.chainId) ?? this.#start(each);
      return job ? [job] : [];
    });
    for (const job of jobs) this.#claims.set(job, (this.#claims.get(job) ?? 0) + 1);
    this.#hastenWhole();
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (isHeld)
          setTimeout(() => jobs.forEach((job) => this.#unclaim(job)), unclaimedMs).unref();
        isHeld = false;
      },
    };
  }

  /** containerd waits for a layer: other images do not keep it from its turn. */
  hasten(job: LayerJob): void {
    job.waitIn(this.#asked);
  }

  /** Forgets a job whose layer was taken. */
  forget(job: LayerJob): void {
    this.#end(job);
  }

  /** Ends a job that gets nowhere, and does not start it again soon. */
  giveUp(job: LayerJob): void {
    this.#failures.set(job.layer.chainId, "unavailable", { ttl: absentMs });
    this.#end(job);
  }

  /** Those that move come first. */
  report(): LayerReport[] {
    const jobs = [...this.#jobs.values(), ...this.#ended.values()];
    return jobs.slice(0, statusListMax).map((job) => job.report());
  }

  /** Stops all jobs, and waits until what they have made is deleted. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#jobs.values()) this.#end(job);
    await Promise.all(this.#stopping);
  }

  #start(layer: ImageLayer): LayerJob | undefined {
    if (this.#isClosed || this.#jobs.size >= jobsMax) return undefined;
    const { mediaType, size } = layer.descriptor;
    // What is no tar stream of a known form, containerd may have a program for.
    if (!isTarLayer(mediaType) || size === 0 || algorithmOf(layer.diffId) !== "sha256") {
      return undefined;
    }
    if (this.#isRefused(layer)) return undefined;
    const job = new LayerJob(this.#deps, layer);
    this.#jobs.set(layer.chainId, job);
    job.waitIn(this.#isHere(layer) ? this.#whole : this.#arriving);
    job
      .finished()
      .catch((error: unknown) => this.#failed(job, error))
      .finally(() => this.#hastenWhole());
    return job;
  }

  /** Others may have fetched what waits for its turn to arrive. */
  #hastenWhole(): void {
    for (const job of this.#jobs.values()) {
      if (job.isWaiting && this.#isHere(job.layer)) job.waitIn(this.#whole);
    }
  }

  #isHere({ descriptor }: ImageLayer): boolean {
    return this.#deps.bytes.store.find(descriptor.digest)?.whole === true;
  }

  #isRefused(layer: ImageLayer): boolean {
    const code = this.#failures.get(layer.chainId);
    if (code === undefined) return false;
    // It may have come since, by containerd's own hands.
    return !isAbsent(code) || !this.#isHere(layer);
  }

  #failed(job: LayerJob, error: unknown): void {
    if (this.#jobs.get(job.layer.chainId) !== job) return;
    const { chainId, descriptor } = job.layer;
    const code = codeOf(error);
    const { logger } = this.#deps;
    if (isAbsent(code)) logger.debug("a layer is not to be had", { digest: descriptor.digest });
    else logger.warn("cannot unpack a layer", { chainId, digest: descriptor.digest, code, error });
    this.#failures.set(chainId, code, { ttl: isAbsent(code) ? absentMs : refusedMs });
    this.#end(job);
    // What is left to containerd is no failure that people should look into.
    if (isAbsent(code)) this.#ended.delete(chainId);
  }

  #unclaim(job: LayerJob): void {
    const claims = (this.#claims.get(job) ?? 0) - 1;
    if (claims > 0) this.#claims.set(job, claims);
    else this.#end(job);
  }

  /** Idempotent. */
  #end(job: LayerJob): void {
    const { chainId, descriptor } = job.layer;
    this.#claims.delete(job);
    if (this.#jobs.get(chainId) !== job) return;
    this.#jobs.delete(chainId);
    this.#activityBefore += job.activity;
    this.#ended.set(chainId, job);
    const stopping = job[Symbol.asyncDispose]()
      .catch((error: unknown) => {
        const { digest } = descriptor;
        this.#deps.logger.warn("cannot delete a layer", { digest, code: codeOf(error) });
      })
      .finally(() => this.#stopping.delete(stopping));
    this.#stopping.add(stopping);
  }
}

/** Whether a layer failed because its bytes could not be had. */
function isAbsent(code: ErrorCode): boolean {
  return code === "not_found" || code === "unavailable";
}
