import { retryPauseMs } from "../async/retry-pause.ts";
import { AccessDeniedError } from "../errors.ts";
import type { InfoHash } from "../info-hash.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { SwarmMembership } from "./swarm-membership.ts";
import type { AnnounceAnswer, BatchAnswer, TrackerClient } from "./tracker-client.ts";

/** What {@link TrackerBatches} works with. */
export interface TrackerBatchesDeps {
  readonly client: TrackerClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Gives a number in [0, 1). */
  readonly random: () => number;
}

/** What came of a batch. */
export interface BatchOutcome {
  readonly generation: string | undefined;
  readonly taken: ReadonlySet<SwarmMembership>;
  /** Whether the tracker has forgotten all else since the last batch. */
  readonly wasForgotten: boolean;
}

/** Milliseconds between heartbeats before the tracker said how many they are to be. */
const heartbeatDefaultMs = 15_000;

/** Nodes that started together shall not come back together: up to so much sooner. */
const intervalJitter = 0.1;

/** Part of its interval that a torrent may be announced before its time, to be so with others. */
const togetherShare = 0.2;

/** Batches in a row that may fail at a tracker that answers announces; then it is left without. */
const failuresMax = 3;

/**
 * Milliseconds without batches where they fail: a proxy that has its troubles is over them in a
 * minute, and one that never lets them through is asked but twice an hour.
 */
const pauseMs = { first: 60_000, max: 1_800_000 } as const;

/**
 * What is known of a tracker's way to take many announces in one request: whether it does, and
 * whether it still knows us.
 */
export class TrackerBatches {
  readonly #deps: TrackerBatchesDeps;
  #torrentsMax: number | undefined;
  #heartbeatMs = heartbeatDefaultMs;
  #admission: number | undefined;
  /** Whether the last batch promised heartbeats, and the tracker goes on to count on them. */
  #isPromised = false;
  #beatDueMs = Number.POSITIVE_INFINITY;
  #busy = false;
  /** Whether the last batch failed, and no announce since. */
  #isSuspect = false;
  /** Batches in a row that failed, after each of which an announce went well. */
  #failures = 0;
  /** Pauses in a row. */
  #pauses = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(deps: TrackerBatchesDeps) {
    this.#deps = deps;
  }

  /** Torrents that a batch may have; `undefined` while the tracker takes none. */
  get torrentsMax(): number | undefined {
    const isPaused = this.#deps.clock.monotonicMs() < this.#pausedUntilMs;
    return isPaused ? undefined : this.#torrentsMax;
  }

  /** When the tracker is to get the next sign of life for all swarms. */
  get beatDueMs(): number {
    if (this.#torrentsMax === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(this.#beatDueMs, this.#pausedUntilMs);
  }

  /**
   * How often the tracker must hear of us by ordinary announces: it goes on to count on the
   * heartbeats that a batch promised it. `undefined`: there is no promise, or batches keep it.
   */
  get signOfLifeMs(): number | undefined {
    return this.#isPromised && this.torrentsMax === undefined ? this.#heartbeatMs : undefined;
  }

  /** Whether a batch is under way: others wait for it, so that they become one. */
  get busy(): boolean {
    return this.#busy;
  }

  /**
   * Reads from the answer to an ordinary announce whether there are batches.
   *
   * @returns whether the tracker has forgotten all else, which may be long before the next batch.
   */
  offered({ batchTorrentsMax, admission }: AnnounceAnswer, nowMs: number): boolean {
    if (this.#isSuspect) {
      this.#isSuspect = false;
      if (++this.#failures >= failuresMax) this.#pause();
    }
    // The first promises heartbeats: only then are we missed without them.
    if (this.#torrentsMax === undefined) this.#beatDueMs = nowMs;
    this.#torrentsMax = batchTorrentsMax;
    // Who does not say is another tracker, or was told goodbye.
    return admission !== undefined && this.#isOther(admission);
  }

  /**
   * Announces torrents for which nobody is looked for; none: gives a sign of life.
   *
   * @throws {UnavailableError} when the tracker does not answer.
   * @throws {AccessDeniedError} when it takes no batches; it is not asked again for a while.
   */
  async announce(
    batch: readonly SwarmMembership[],
    { port, askedMs, signal }: Cancellable & { readonly port: number; readonly askedMs: number },
  ): Promise<BatchOutcome> {
    this.#busy = true;
    this.#beatDueMs = askedMs + this.#heartbeatMs;
    const seeding: InfoHash[] = [];
    const stopped: InfoHash[] = [];
    const asked = batch.map((membership) => {
      membership.busy = true;
      membership.askedMs = askedMs;
      const request = membership.request();
      (request.event === "stopped" ? stopped : seeding).push(request.infoHash);
      return { membership, request };
    });
    const before = this.#admission;
    try {
      const answer = await this.#ask({ port, seeding, stopped }, signal);
      this.#failures = this.#pauses = 0;
      const pauses = this.#pausesAfter(answer);
      const taken = new Set<SwarmMembership>();
      for (const { membership, request } of asked) {
        if (answer.refused.has(request.infoHash)) {
          membership.refused(() => pauses.draw);
          continue;
        }
        membership.told(request);
        membership.refusals = 0;
        membership.dueMs = askedMs + pauses.intervalMs;
        taken.add(membership);
      }
      return { generation: answer.generation, taken, wasForgotten: this.#admit(answer, before) };
    } finally {
      this.#busy = false;
      for (const membership of batch) membership.busy = false;
    }
  }

  /**
   * The tracker does not answer: whether it takes batches is asked anew.
   *
   * @param kind Of the request. Where announces fail, too, batches are not to blame.
   */
  failed(kind: "batch" | "announce"): void {
    this.#torrentsMax = undefined;
    this.#isSuspect = kind === "batch";
  }

  /** The tracker is another run, and is told everything anew: its admission will be another. */
  restarted(): void {
    this.#admission = undefined;
    this.#isPromised = false;
  }

  async #ask(
    request: Parameters<NonNullable<TrackerClient["announceBatch"]>>[0],
    signal: AbortSignal,
  ): Promise<BatchAnswer> {
    const { client } = this.#deps;
    try {
      const answer = await client.announceBatch?.(request, { signal });
      if (answer) return answer;
      throw new AccessDeniedError("Cannot announce together: no way to");
    } catch (error) {
      if (error instanceof AccessDeniedError) this.#pause();
      throw error;
    }
  }

  /** Does without batches for a while, which grows. */
  #pause(): void {
    const { clock, logger, random } = this.#deps;
    const durationMs = retryPauseMs(++this.#pauses, random, pauseMs);
    this.#pausedUntilMs = clock.monotonicMs() + durationMs;
    logger.warn("tracker takes no batches: announcing one by one for a while", { durationMs });
  }

  /** One draw for all: what was announced together comes back together. */
  #pausesAfter({ intervalMs }: BatchAnswer): {
    readonly draw: number;
    readonly intervalMs: number;
  } {
    const draw = this.#deps.random();
    return { draw, intervalMs: intervalMs * (1 - draw * intervalJitter) };
  }

  /** @param before The admission when the batch was sent. */
  #admit({ admission, heartbeatMs }: BatchAnswer, before: number | undefined): boolean {
    this.#heartbeatMs = heartbeatMs;
    this.#beatDueMs = this.#deps.clock.monotonicMs() + heartbeatMs;
    this.#isPromised = admission !== undefined;
    // To our goodbye to all swarms, while an announce beside it has brought us into another.
    if (admission === undefined && this.#admission !== before) return false;
    return this.#isOther(admission);
  }

  /** Whether an admission is not the one before it, if there was one. */
  #isOther(admission: number | undefined): boolean {
    const before = this.#admission;
    this.#admission = admission;
    return before !== undefined && admission !== before;
  }
}

/**
 * Adds what would be due soon to a batch, up to `countMax`: torrents that began one by one
 * become a few batches.
 */
export function fillBatch(
  batch: readonly SwarmMembership[],
  options: {
    readonly from: Iterable<SwarmMembership>;
    readonly countMax: number;
    readonly nowMs: number;
  },
): SwarmMembership[] {
  const filled = new Set(batch);
  const port = batch[0]?.port;
  for (const membership of options.from) {
    if (filled.size >= options.countMax) break;
    const { busy, hungry, settled, wanted, dueMs, askedMs } = membership;
    if (busy || hungry || !settled || !wanted || membership.port !== port) continue;
    if (dueMs - options.nowMs <= togetherShare * (dueMs - askedMs)) filled.add(membership);
  }
  return [...filled];
}
