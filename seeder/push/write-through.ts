import { type Deadline, createDeadline } from "../../core/async/deadline.ts";
import { retryPauseMs } from "../../core/async/retry-pause.ts";
import { CodedError, WriteFailedError, codeOf, errorCodes } from "../../core/errors.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Logger } from "../../core/ports/logger.ts";
import { problemOf } from "../problem-of.ts";
import { type DeliverPushDeps, deliverPush } from "./deliver-push.ts";
import { nextPush } from "./next-push.ts";
import type { PushQueue, WaitingPush } from "./push-queue.ts";
import type { PushedTags } from "./pushed-tags.ts";

/** What {@link WriteThrough} works with. */
export interface WriteThroughDeps extends DeliverPushDeps {
  readonly queue: PushQueue;
  readonly tags: PushedTags;
  /** Pushes that are on their way to registries at once. */
  readonly writesMax: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Between 0 and 1, as of Math.random(). */
  readonly random: () => number;
}

/**
 * Pause after a refusal, in milliseconds: somebody must do something about it first, such as
 * make a repository or give a right, and should not have to tell us.
 */
const refusedPauseMs = 600_000;

/** Longest wait without a look, in milliseconds: a timer cannot be set for longer than 24 days. */
const lookIntervalMs = 3_600_000;

/** A push on its way. */
interface Delivery {
  readonly done: Promise<void>;
  readonly stop: Deadline;
}

/** A registry that could not be reached. */
interface Outage {
  readonly failures: number;
  /** By the monotonic clock. */
  readonly untilMs: number;
}

/**
 * Brings what was pushed here to its registries, in the order that they want: blobs, then the
 * manifests that name them, then tags. What fails is tried again until it is there, or until
 * somebody takes it out of the queue.
 */
export class WriteThrough implements AsyncDisposable {
  readonly #deps: WriteThroughDeps;
  readonly #stop = new AbortController();
  /** By the key of the push. */
  readonly #running = new Map<string, Delivery>();
  /** By the registry. */
  readonly #outages = new Map<string, Outage>();
  /** Pushes that failed last because their registry was down, and not by themselves. */
  readonly #cutOff = new WeakSet<WaitingPush>();
  #loop: Promise<void> | undefined;

  constructor(deps: WriteThroughDeps) {
    this.#deps = deps;
  }

  /** Begins; what an earlier process left comes first. */
  start(): void {
    this.#loop ??= this.#run(this.#stop.signal);
  }

  /** Whether a push is on its way now. */
  isRunning({ key }: Pick<WaitingPush, "key">): boolean {
    return this.#running.has(key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("The seeder stops", "AbortError"));
    await this.#loop;
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  /**
   * Takes a push out of the queue, if it is still in it; one on its way is stopped first. A
   * manifest stays that was pushed again with a tag meanwhile.
   */
  async giveUp(push: WaitingPush): Promise<void> {
    // It must not begin again before it is out of the queue.
    push.notBeforeMs = Infinity;
    const delivery = this.#running.get(push.key);
    delivery?.stop.abort(new DOMException("It is given up", "AbortError"));
    await delivery?.done;
    let isGone = false;
    try {
      isGone = await this.#deps.queue.remove(push, { unlessTagged: true });
    } finally {
      // If it is still in the queue it must not wait there for ever.
      if (!isGone) this.#deps.queue.hurry(push);
    }
  }

  /** Never rejects. */
  async #run(signal: AbortSignal): Promise<void> {
    const { queue, clock, writesMax } = this.#deps;
    while (!signal.aborted) {
      const nowMs = clock.monotonicMs();
      const { push, atMs } = nextPush(queue, {
        nowMs,
        isRunning: (waiting) => this.isRunning(waiting),
        outageUntilMs: (registry) => this.#outages.get(registry)?.untilMs ?? 0,
      });
      if (push && this.#running.size < writesMax) {
        this.#begin(push, signal);
        continue;
      }
      await this.#news(push ? lookIntervalMs : Math.min(atMs - nowMs, lookIntervalMs), signal);
    }
  }

  /** Waits until something has changed, for so long at most. */
  async #news(waitMs: number, signal: AbortSignal): Promise<void> {
    const wait = createDeadline(signal, Math.max(waitMs, 0));
    try {
      await this.#deps.queue.news.changed(wait.signal);
    } catch {
      // It is time to look again, or to stop.
    } finally {
      wait[Symbol.dispose]();
    }
  }

  #begin(push: WaitingPush, signal: AbortSignal): void {
    const stop = createDeadline(signal);
    const done = this.#deliver(push, stop).finally(() => {
      stop[Symbol.dispose]();
      this.#running.delete(push.key);
      this.#deps.queue.news.notify();
    });
    this.#running.set(push.key, { done, stop });
  }

  /** Never rejects. */
  async #deliver(waiting: WaitingPush, { signal }: Cancellable): Promise<void> {
    const { queue, logger } = this.#deps;
    const { push, id } = waiting;
    const fields = { push: id, ...nameOf(waiting) };
    try {
      await deliverPush(push, this.#deps, { signal });
      this.#noteRecovery(push.registry);
      // In this order: a tag that nobody writes any more must not count as pushed for ever.
      if (push.kind === "tag") {
        const { registry, repository, tag, descriptor } = push;
        await this.#deps.tags.note({ registry, repository, tag }, descriptor, "registry");
      }
      if (await queue.remove(waiting)) logger.info("wrote a push to its registry", fields);
    } catch (error) {
      if (!signal.aborted) this.#fail(waiting, error, fields);
    }
  }

  #fail(waiting: WaitingPush, error: unknown, fields: Record<string, string>): void {
    const { clock, logger, random } = this.#deps;
    const code = codeOf(error);
    const isRefused = !errorCodes[code].retryable;
    const nowMs = clock.monotonicMs();
    waiting.failures++;
    waiting.problem = { text: problemOf(error), isRefused };
    const pauseMs = isRefused ? refusedPauseMs : retryPauseMs(waiting.failures, random);
    waiting.notBeforeMs = nowMs + pauseMs;
    const problem = error instanceof CodedError ? error.message : error;
    const told = { ...fields, code, problem, failures: waiting.failures };
    if (isRefused) logger.error("a registry does not take a push; it is kept", told);
    else logger.warn("cannot write a push to its registry now; it is kept", told);
    // What one push always meets must not hold up the others.
    const isDown = code === "unavailable" && !(error instanceof WriteFailedError);
    if (isDown) {
      this.#cutOff.add(waiting);
      this.#noteOutage(waiting.push.registry, nowMs);
    } else this.#cutOff.delete(waiting);
  }

  /** A registry that is down is asked by one push after the other, not by all at once. */
  #noteOutage(registry: string, nowMs: number): void {
    const before = this.#outages.get(registry);
    // Pushes that were on their way together fail together.
    if (before && before.untilMs > nowMs) return;
    const failures = (before?.failures ?? 0) + 1;
    const untilMs = nowMs + retryPauseMs(failures, this.#deps.random);
    this.#outages.set(registry, { failures, untilMs });
  }

  /** What failed because the registry was down need not wait longer. */
  #noteRecovery(registry: string): void {
    if (!this.#outages.delete(registry)) return;
    for (const waiting of this.#deps.queue.all()) {
      if (waiting.push.registry === registry && this.#cutOff.delete(waiting)) {
        waiting.notBeforeMs = 0;
      }
    }
  }
}

function nameOf({ push }: WaitingPush): Record<string, string> {
  const { kind, registry, repository, descriptor } = push;
  const image = `${registry}/${repository}`;
  return { kind, image, digest: descriptor.digest, ...(push.kind === "tag" && { tag: push.tag }) };
}
