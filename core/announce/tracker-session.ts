import { createDeadline } from "../async/deadline.ts";
import { AccessDeniedError, codeOf } from "../errors.ts";
import type { InfoHash } from "../info-hash.ts";
import type { AnnouncedTorrent } from "../ports/announcer.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import { retryPauseMs } from "../async/retry-pause.ts";
import { SwarmMembership } from "./swarm-membership.ts";
import { NoRouteError } from "./tracker-host.ts";
import type { AnnounceAnswer, AnnounceRequest, TrackerClient } from "./tracker-client.ts";

/** What {@link TrackerSession} works with. */
export interface TrackerSessionDeps {
  /** Taken over: disposed of with the session. */
  readonly client: TrackerClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Gives a number in [0, 1). */
  readonly random: () => number;
}

/**
 * Milliseconds after which a tracker hears of us anyway, so that one that was restarted
 * is noticed soon: the torrent that waited longest is announced before its time.
 */
const heartbeatMs = 30_000;

/** Milliseconds between two looks at what is due: a look at 1,000 torrents takes 20 µs. */
const lookIntervalMs = 200;

/** Torrents that started together shall not come back together: up to so much sooner. */
const intervalJitter = 0.1;

/**
 * Our memberships in the swarms of one tracker: one timer, a bounded number of requests.
 *
 * While the tracker does not answer, one torrent at a time probes it, with growing
 * pauses; all others wait. When it answers again, or says that it is another run,
 * everything is announced to it anew.
 */
export class TrackerSession implements AsyncDisposable {
  readonly #deps: TrackerSessionDeps;
  readonly #logger: Logger;
  readonly #memberships = new Map<InfoHash, SwarmMembership>();
  /** Due now; those who look for peers come first. */
  readonly #hungry = new Set<SwarmMembership>();
  readonly #ready = new Set<SwarmMembership>();
  readonly #running = new Set<Promise<void>>();
  readonly #ended = createDeadline(new AbortController().signal);
  #timer: NodeJS.Timeout | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #failures = 0;
  #failedMs = Number.NEGATIVE_INFINITY;
  #probeMs = 0;
  /** When the tracker answered last, or was given a heartbeat. */
  #heardMs: number;
  #generation: string | undefined;
  #ending = false;

  constructor(deps: TrackerSessionDeps) {
    this.#deps = deps;
    this.#logger = deps.logger.with({ tracker: deps.client.name });
    this.#heardMs = deps.clock.monotonicMs();
  }

  join(torrent: AnnouncedTorrent): void {
    let membership = this.#memberships.get(torrent.infoHash);
    if (membership) membership.join(torrent);
    else membership = new SwarmMembership(torrent);
    this.#memberships.set(torrent.infoHash, membership);
    this.#enqueue(membership);
  }

  leave(torrent: AnnouncedTorrent): void {
    const membership = this.#memberships.get(torrent.infoHash);
    membership?.leave(torrent);
    if (membership && !membership.wanted) this.#enqueue(membership);
  }

  completed(torrent: AnnouncedTorrent): void {
    const membership = this.#memberships.get(torrent.infoHash);
    membership?.complete();
    if (membership) this.#enqueue(membership);
  }

  /** Announces as soon as the tracker wants to hear of it again. */
  hurry(torrent: AnnouncedTorrent): void {
    const membership = this.#memberships.get(torrent.infoHash);
    if (!membership) return;
    membership.dueMs = Math.min(membership.dueMs, membership.askedMs + membership.intervalMinMs);
    this.#wakeAt(membership.dueMs);
  }

  /** Says goodbye to the tracker for all torrents that are left, as far as `signal` lets it. */
  async end(signal: AbortSignal): Promise<void> {
    const cut = () => this.#ended.abort(signal.reason);
    signal.addEventListener("abort", cut, { once: true });
    this.#ending = true;
    for (const membership of this.#memberships.values()) {
      if (!membership.wanted) this.#enqueue(membership);
    }
    while (this.#running.size > 0) await Promise.race(this.#running);
    signal.removeEventListener("abort", cut);
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    this.#ended.abort();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await Promise.all(this.#running);
    this.#memberships.clear();
    await this.#deps.client[Symbol.asyncDispose]();
  }

  get #down(): boolean {
    return this.#failures > 0;
  }

  #enqueue(membership: SwarmMembership): void {
    if (!membership.wanted && membership.settled && !membership.busy) {
      this.#drop(membership);
      return;
    }
    (membership.hungry ? this.#hungry : this.#ready).add(membership);
    this.#pump();
  }

  #drop(membership: SwarmMembership): void {
    this.#hungry.delete(membership);
    this.#ready.delete(membership);
    this.#memberships.delete(membership.infoHash);
  }

  /** Starts as many requests as may be under way. */
  #pump(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    while (!this.#ended.signal.aborted) {
      if (this.#down && nowMs < this.#probeMs) {
        this.#wakeAt(this.#probeMs);
        return;
      }
      if (this.#running.size >= (this.#down ? 1 : this.#deps.client.concurrencyMax)) return;
      const membership = this.#take();
      if (!membership) return;
      const running = this.#announce(membership).finally(() => {
        this.#running.delete(running);
        this.#pump();
      });
      this.#running.add(running);
    }
  }

  #take(): SwarmMembership | undefined {
    for (const queue of [this.#hungry, this.#ready]) {
      for (const membership of queue) {
        if (membership.busy) continue;
        this.#hungry.delete(membership);
        this.#ready.delete(membership);
        return membership;
      }
    }
    return undefined;
  }

  async #announce(membership: SwarmMembership): Promise<void> {
    membership.busy = true;
    membership.askedMs = this.#deps.clock.monotonicMs();
    const answer = await this.#ask(membership);
    membership.busy = false;
    if (this.#ended.signal.aborted) return;
    if (!membership.wanted || (answer && !membership.settled)) this.#enqueue(membership);
    this.#wakeAt(Math.min(membership.dueMs, this.#heardMs + heartbeatMs));
    if (answer) membership.found(answer.peers);
  }

  async #ask(membership: SwarmMembership): Promise<AnnounceAnswer | undefined> {
    const request = membership.request();
    try {
      const answer = await this.#deps.client.announce(request, { signal: this.#ended.signal });
      this.#onAnswer(membership, request, answer);
      return answer;
    } catch (error) {
      if (this.#ended.signal.aborted) return undefined;
      if (error instanceof AccessDeniedError) this.#onRefusal(membership, error);
      else this.#onFailure(membership, error);
      return undefined;
    }
  }

  #onAnswer(membership: SwarmMembership, request: AnnounceRequest, answer: AnnounceAnswer): void {
    this.#onSignOfLife(membership, answer.generation);
    membership.told(request);
    membership.refusals = 0;
    membership.intervalMinMs = answer.intervalMinMs;
    const factor = 1 - this.#deps.random() * intervalJitter;
    membership.dueMs = membership.askedMs + answer.intervalMs * factor;
  }

  /** The tracker lives, but does not take the torrent: it may not be in its directory yet. */
  #onRefusal(membership: SwarmMembership, error: AccessDeniedError): void {
    this.#onSignOfLife(membership, this.#generation);
    membership.refusals++;
    membership.forgotten();
    membership.dueMs = membership.askedMs + retryPauseMs(membership.refusals, this.#deps.random);
    const { infoHash } = membership;
    this.#logger.debug("tracker refuses a torrent", { infoHash, reason: error.message });
  }

  /** The torrent is the first that probes the tracker. */
  #onFailure(membership: SwarmMembership, error: unknown): void {
    if (!this.#down) this.#tellFailure(error);
    // Requests that were under way together are one failure.
    if (membership.askedMs >= this.#failedMs) this.#failures++;
    this.#failedMs = this.#deps.clock.monotonicMs();
    this.#probeMs = this.#failedMs + retryPauseMs(this.#failures, this.#deps.random);
    // A goodbye is not worth a second try: there the tracker forgets us by itself.
    if (membership.wanted) (membership.hungry ? this.#hungry : this.#ready).add(membership);
    else membership.forgotten();
    this.#wakeAt(this.#probeMs);
  }

  /** Most machines, and most trackers, have addresses of one family: that is no trouble. */
  #tellFailure(error: unknown): void {
    const fields = { code: codeOf(error), error };
    if (error instanceof NoRouteError) {
      this.#logger.info("tracker has no address that can be reached by this family", fields);
    } else this.#logger.warn("tracker does not answer", fields);
  }

  /** @param asked What the tracker was just told of; all else it may have forgotten. */
  #onSignOfLife(asked: SwarmMembership, generation: string | undefined): void {
    const wasDown = this.#down;
    const sameRun = generation !== undefined && generation === this.#generation;
    const otherRun = this.#generation !== undefined && !sameRun;
    this.#failures = 0;
    this.#heardMs = this.#deps.clock.monotonicMs();
    this.#generation = generation;
    if (wasDown) this.#logger.info("tracker answers again");
    if (!otherRun && (!wasDown || sameRun)) return;
    for (const membership of this.#memberships.values()) {
      if (membership === asked) continue;
      membership.forgotten();
      if (!membership.wanted) this.#drop(membership);
      else this.#ready.add(membership);
    }
  }

  /** Looks for what is due; at most every {@link lookIntervalMs}. */
  #look(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    let oldest: SwarmMembership | undefined;
    for (const membership of this.#memberships.values()) {
      if (membership.busy) continue;
      if (membership.dueMs <= nowMs) {
        (membership.hungry ? this.#hungry : this.#ready).add(membership);
      } else {
        nextMs = Math.min(nextMs, membership.dueMs);
        if (membership.askedMs < (oldest?.askedMs ?? nowMs)) oldest = membership;
      }
    }
    if (nowMs - this.#heardMs >= heartbeatMs) {
      if (oldest && nowMs >= oldest.askedMs + oldest.intervalMinMs) this.#ready.add(oldest);
      this.#heardMs = nowMs;
    }
    this.#pump();
    if (this.#memberships.size > 0) this.#wakeAt(Math.min(nextMs, this.#heardMs + heartbeatMs));
  }

  #wakeAt(dueMs: number): void {
    if (this.#ending || dueMs >= this.#timerDueMs) return;
    const nowMs = this.#deps.clock.monotonicMs();
    clearTimeout(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer = setTimeout(
      () => {
        this.#timerDueMs = Number.POSITIVE_INFINITY;
        this.#look();
      },
      Math.max(lookIntervalMs, dueMs - nowMs),
    );
  }
}
