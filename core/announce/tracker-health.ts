import { retryPauseMs } from "../async/retry-pause.ts";
import { codeOf } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import { NoRouteError } from "./tracker-host.ts";

/**
 * Milliseconds after which a tracker hears of us anyway, so that one that was restarted
 * is noticed soon: the torrent that waited longest is announced before its time.
 */
const heartbeatMs = 30_000;

/** What {@link TrackerHealth} works with. */
export interface TrackerHealthDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Gives a number in [0, 1). */
  readonly random: () => number;
}

/** Whether a tracker answers, since when, and whether it is the same run that did before. */
export class TrackerHealth {
  readonly #deps: TrackerHealthDeps;
  #failures = 0;
  #failedMs = Number.NEGATIVE_INFINITY;
  #probeMs = 0;
  #generation: string | undefined;

  /** When the tracker took in an announce last, or was given a heartbeat. */
  heardMs: number;

  constructor(deps: TrackerHealthDeps) {
    this.#deps = deps;
    this.heardMs = deps.clock.monotonicMs();
  }

  get isDown(): boolean {
    return this.#failures > 0;
  }

  /** When a tracker that is down may be asked again. */
  get probeMs(): number {
    return this.#probeMs;
  }

  /** When the tracker has to hear of us again, at most `promisedMs` after it did. */
  signOfLifeDueMs(promisedMs = heartbeatMs): number {
    return this.heardMs + Math.min(heartbeatMs, promisedMs);
  }

  /** A request of `askedMs` was not answered. Those that were under way together are one failure. */
  failed(askedMs: number, error: unknown): void {
    const { clock, logger, random } = this.#deps;
    if (!this.isDown) tellFailure(logger, error);
    if (askedMs >= this.#failedMs) this.#failures++;
    this.#failedMs = clock.monotonicMs();
    this.#probeMs = this.#failedMs + retryPauseMs(this.#failures, random);
  }

  /** The tracker lives, but took in nothing: to it that is no sign of life of ours. */
  lives(): void {
    if (this.isDown) this.#deps.logger.info("tracker answers again");
    this.#failures = 0;
  }

  /**
   * The tracker answered.
   *
   * @returns `other-run` when it was started anew, and has forgotten what it was told before,
   *   `doubtful` when that may be so.
   */
  answered(generation: string | undefined): "same-run" | "other-run" | "doubtful" {
    const wasDown = this.isDown;
    const isSameRun = generation !== undefined && generation === this.#generation;
    const isOtherRun = this.#generation !== undefined && !isSameRun;
    this.lives();
    this.heardMs = this.#deps.clock.monotonicMs();
    this.#generation = generation;
    if (isOtherRun) return "other-run";
    return wasDown && !isSameRun ? "doubtful" : "same-run";
  }
}

/** Most machines, and most trackers, have addresses of one family: that is no trouble. */
function tellFailure(logger: Logger, error: unknown): void {
  const fields = { code: codeOf(error), error };
  if (error instanceof NoRouteError) {
    logger.info("tracker has no address that can be reached by this family", fields);
  } else logger.warn("tracker does not answer", fields);
}
