import { abortable, createDeadline } from "../core/async/deadline.ts";
import { UnavailableError, codeOf } from "../core/errors.ts";
import type { BlobReader } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Logger } from "../core/ports/logger.ts";
import { canonicalRegistry } from "../core/registry-name.ts";
import type { BlobArrival } from "./blob-arrival.ts";
import type { BlobCache } from "./blob-cache.ts";
import { type ColdRequest, isNamedBy, keyOf } from "./cold-request.ts";
import {
  type ColdOutcome,
  type ColdRunDeps,
  arrivesElsewhere,
  isGrowing,
  retryAfterMs,
  runColdFetch,
} from "./cold-run.ts";

/** What {@link ColdFetches} works with. */
export interface ColdFetchesDeps extends ColdRunDeps {
  readonly store: Pick<BlobReader, "find">;
  readonly cache: ColdRunDeps["cache"] & Pick<BlobCache, "hasten">;
  readonly logger: Logger;
}

/**
 * Requests that are worked on at once, most of which wait for their turn: some large images. Those
 * of one registry take half of them at most: one that hardly gives anything must not take all.
 */
const runsMax = 512;
const runsPerRegistryMax = runsMax / 2;

/** Milliseconds for one blob, its wait for a turn among them: what is slower is of no use to a pull. */
const runTimeoutMs = 3_600_000;

/**
 * Milliseconds for an answer: a node waits 2 s for directory and seeder together, and must hear
 * that nothing can be told yet before it takes the silence for a seeder that hangs.
 */
const answerTimeoutMs = 1200;

/**
 * Milliseconds for an answer while another registry than the request names has the turn, or waits
 * for it: enough for one that has the blob not, and too few to be taken for a slow registry.
 */
const elsewhereTimeoutMs = 300;

/** A request that is worked on, whoever waits for it. */
interface Run {
  /** The likeliest one, if any was named. */
  readonly registry: string | undefined;
  /** As soon as there is something to tell. */
  readonly outcome: Promise<ColdOutcome>;
  readonly done: Promise<void>;
  /** What it has given to peers: a run may also wait for a blob of which it may tell nothing. */
  readonly given: WeakSet<BlobArrival>;
}

/** Fetches blobs for nodes that have told where from. Each goes on until it is whole, whoever leaves. */
export class ColdFetches implements AsyncDisposable {
  readonly #deps: ColdFetchesDeps;
  readonly #runs = new Map<string, Run>();
  readonly #ended = new AbortController();

  constructor(deps: ColdFetchesDeps) {
    this.#deps = deps;
  }

  /**
   * Begins or joins the fetch of a blob, and tells what came of it as soon as the origin
   * gives its first bytes; of a small blob, when it is whole. Of what comes from a registry that
   * the request does not name nothing is told before it is whole, and checked.
   *
   * @throws {BlobNotFoundError} when no repository has it, or none is known.
   * @throws {AccessDeniedError} when the origin refuses.
   * @throws {StorageFullError} when there is no room for it.
   * @throws {UnavailableError} when the origin does not give it, has not within 1.2 s, another
   *   one is giving it, or too much is under way.
   */
  async fetch(request: ColdRequest, { signal }: Cancellable): Promise<ColdOutcome> {
    const { store, cache, known } = this.#deps;
    known.touch(request.digest);
    cache.hasten(request.digest);
    const record = store.find(request.digest);
    if (record?.whole) return { state: "whole", size: record.size };
    const arriving = this.#arriving(request);
    if (arriving) return arriving;
    const { outcome } = this.#runs.get(keyOf(request)) ?? this.#start(request);
    const deadline = createDeadline(signal, answerTimeoutMs);
    const elsewhere = setTimeout(() => {
      if (this.#isElsewhere(request)) deadline.abort();
    }, elsewhereTimeoutMs);
    try {
      return await abortable(outcome, deadline.signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!deadline.signal.aborted) throw error;
      const message = `Cannot tell yet whether blob ${request.digest} can be had`;
      throw new UnavailableError(message, { retryAfterMs });
    } finally {
      clearTimeout(elsewhere);
      deadline[Symbol.dispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(new UnavailableError("Cannot fetch: the seeder stops"));
    await Promise.all([...this.#runs.values()].map(({ done }) => done));
  }

  /** What is told to a crowd at once: somebody's fetch goes on by itself. */
  #arriving(request: ColdRequest): ColdOutcome | undefined {
    const { digest, size } = request;
    const arrival = this.#deps.cache.arrivalOf(digest);
    if (!arrival?.path || !isGrowing(arrival.descriptor)) return undefined;
    if (!isNamedBy(request, arrival.registry, this.#deps.origin)) throw arrivesElsewhere(digest);
    if (size !== undefined && size !== arrival.descriptor.size) return undefined;
    const isGiven = [...this.#runs.values()].some(({ given }) => given.has(arrival));
    return isGiven ? { state: "arriving", size: arrival.descriptor.size } : undefined;
  }

  /** Whether a registry is to give the blob whose word is not good for who asks, and that takes its time. */
  #isElsewhere(request: ColdRequest): boolean {
    const { cache, origin } = this.#deps;
    const arrival = cache.arrivalOf(request.digest);
    // Who names none has no other registry to wait for.
    if (!arrival || request.from.length === 0 || !isGrowing(arrival.descriptor)) return false;
    return !isNamedBy(request, arrival.registry, origin);
  }

  #start(request: ColdRequest): Run {
    if (this.#ended.signal.aborted) throw new UnavailableError("Cannot fetch: the seeder stops");
    const registry = registryOf(request);
    const runs = [...this.#runs.values()].filter((run) => run.registry === registry);
    if (this.#runs.size >= runsMax || runs.length >= runsPerRegistryMax) {
      const message = "Cannot fetch: as many blobs as may are waited for";
      throw new UnavailableError(message, { retryAfterMs });
    }
    const key = keyOf(request);
    const outcome = Promise.withResolvers<ColdOutcome>();
    outcome.promise.catch(() => undefined);
    const given = new WeakSet<BlobArrival>();
    const done = this.#run(request, { outcome, given }).finally(() => this.#runs.delete(key));
    const run = { registry, outcome: outcome.promise, done, given };
    this.#runs.set(key, run);
    return run;
  }

  /** Never rejects. */
  async #run(
    request: ColdRequest,
    {
      outcome,
      given,
    }: Pick<Run, "given"> & { readonly outcome: PromiseWithResolvers<ColdOutcome> },
  ): Promise<void> {
    const deadline = createDeadline(this.#ended.signal, runTimeoutMs);
    try {
      const onOutcome = (told: ColdOutcome) => outcome.resolve(told);
      const growing = {
        add: (arrival: BlobArrival) => {
          given.add(arrival);
          this.#deps.growing.add(arrival);
        },
      };
      const { signal } = deadline;
      await runColdFetch(request, { ...this.#deps, growing, onOutcome, signal });
    } catch (error) {
      if (codeOf(error) === "internal") {
        this.#deps.logger.error("cannot fetch for a node", { digest: request.digest, error });
      }
      outcome.reject(error);
    } finally {
      deadline[Symbol.dispose]();
    }
  }
}

function registryOf({ from: [first] }: ColdRequest): string | undefined {
  return first && canonicalRegistry(first.registry);
}
