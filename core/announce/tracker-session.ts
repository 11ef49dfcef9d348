import { createDeadline } from "../async/deadline.ts";
import { AccessDeniedError } from "../errors.ts";
import type { AnnouncedTorrent } from "../ports/announcer.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import { DueTimer } from "./due-timer.ts";
import { Memberships } from "./memberships.ts";
import { RenewalPace } from "./renewal-pace.ts";
import type { SwarmMembership } from "./swarm-membership.ts";
import { TrackerBatches, fillBatch } from "./tracker-batches.ts";
import type { AnnounceAnswer, AnnounceRequest, TrackerClient } from "./tracker-client.ts";
import { TrackerHealth } from "./tracker-health.ts";

/** What {@link TrackerSession} works with. */
export interface TrackerSessionDeps {
  /** Taken over: disposed of with the session. */
  readonly client: TrackerClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Gives a number in [0, 1). */
  readonly random: () => number;
}

/** Milliseconds between two looks at what is due: a look at 1,000 torrents takes 20 µs. */
const lookIntervalMs = 200;

/**
 * Our memberships in the swarms of one tracker: one timer, a bounded number of requests. To
 * trackers that can, torrents that look for nobody are announced together, and nothing but a
 * sign of life is given for all of them in between.
 *
 * While the tracker does not answer, one torrent at a time probes it, with growing
 * pauses; all others wait. When it answers again, or says that it is another run,
 * everything is announced to it anew, in time ({@link RenewalPace}).
 */
export class TrackerSession implements AsyncDisposable {
  readonly #deps: TrackerSessionDeps;
  readonly #logger: Logger;
  readonly #memberships = new Memberships();
  readonly #batches: TrackerBatches;
  readonly #health: TrackerHealth;
  readonly #renewal: RenewalPace;
  readonly #running = new Set<Promise<void>>();
  readonly #ended = createDeadline(new AbortController().signal);
  readonly #timer: DueTimer;
  #ending = false;

  constructor(deps: TrackerSessionDeps) {
    this.#deps = deps;
    this.#logger = deps.logger.with({ tracker: deps.client.name });
    this.#batches = new TrackerBatches({ ...deps, logger: this.#logger });
    this.#health = new TrackerHealth({ ...deps, logger: this.#logger });
    this.#renewal = new RenewalPace({ logger: this.#logger });
    const { clock } = deps;
    this.#timer = new DueTimer({ clock, pauseMs: lookIntervalMs, look: () => this.#look() });
  }

  join(torrent: AnnouncedTorrent): void {
    this.#enqueue(this.#memberships.join(torrent));
  }

  leave(torrent: AnnouncedTorrent): void {
    const membership = this.#memberships.find(torrent);
    membership?.leave(torrent);
    if (membership && !membership.wanted) this.#enqueue(membership);
  }

  completed(torrent: AnnouncedTorrent): void {
    const membership = this.#memberships.find(torrent);
    membership?.complete();
    if (membership) this.#enqueue(membership);
  }

  /** Announces as soon as the tracker wants to hear of it again. */
  hurry(torrent: AnnouncedTorrent): void {
    const membership = this.#memberships.find(torrent);
    if (!membership) return;
    membership.dueMs = Math.min(membership.dueMs, membership.askedMs + membership.intervalMinMs);
    this.#timer.wakeAt(membership.dueMs);
  }

  /** Says goodbye to the tracker for all torrents that are left, as far as `signal` lets it. */
  async end(signal: AbortSignal): Promise<void> {
    const cut = () => this.#ended.abort(signal.reason);
    signal.addEventListener("abort", cut, { once: true });
    this.#ending = true;
    this.#timer[Symbol.dispose]();
    for (const membership of this.#memberships) {
      if (!membership.wanted) this.#enqueue(membership);
    }
    while (this.#running.size > 0) await Promise.race(this.#running);
    signal.removeEventListener("abort", cut);
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    this.#ended.abort();
    this.#timer[Symbol.dispose]();
    await Promise.all(this.#running);
    this.#memberships.clear();
    await this.#deps.client[Symbol.asyncDispose]();
  }

  #enqueue(membership: SwarmMembership): void {
    if (this.#memberships.enqueue(membership)) this.#pump();
  }

  /** Starts as many requests as may be under way. */
  #pump(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    while (!this.#ended.signal.aborted) {
      if (this.#health.isDown && nowMs < this.#health.probeMs) {
        this.#timer.wakeAt(this.#health.probeMs);
        return;
      }
      if (this.#running.size >= (this.#health.isDown ? 1 : this.#deps.client.concurrencyMax))
        return;
      const work = this.#next(nowMs);
      if (!work) return;
      const running = work.finally(() => {
        this.#running.delete(running);
        this.#pump();
      });
      this.#running.add(running);
    }
  }

  #next(nowMs: number): Promise<void> | undefined {
    const { queue } = this.#memberships;
    const torrentsMax = this.#health.isDown ? undefined : this.#batches.torrentsMax;
    if (torrentsMax === undefined) {
      const membership = queue.take();
      return membership && this.#announce(membership);
    }
    const hungry = queue.takeHungry();
    if (hungry) return this.#announce(hungry);
    if (this.#batches.busy) return undefined;
    const batch = queue.takeTogether(torrentsMax);
    if (batch.length > 0) {
      return this.#announceTogether(
        fillBatch(batch, { from: this.#memberships, countMax: torrentsMax, nowMs }),
      );
    }
    const isBeatDue = nowMs >= this.#batches.beatDueMs && !this.#ending;
    return isBeatDue && this.#memberships.size > 0 ? this.#announceTogether([]) : undefined;
  }

  /** @param batch none: it is but a sign of life. */
  async #announceTogether(batch: readonly SwarmMembership[]): Promise<void> {
    const port = (batch[0] ?? this.#memberships.first)?.port;
    if (port === undefined) return;
    const askedMs = this.#deps.clock.monotonicMs();
    const taken = await this.#askTogether(batch, { port, askedMs });
    if (this.#ended.signal.aborted) return;
    let nextMs = this.#aliveDueMs;
    for (const membership of batch) {
      if (!membership.wanted && membership.settled) this.#memberships.drop(membership);
      else if (!membership.wanted || (taken.has(membership) && !membership.settled)) {
        this.#memberships.queue.add(membership);
      }
      nextMs = Math.min(nextMs, membership.dueMs);
    }
    this.#timer.wakeAt(nextMs);
  }

  /** @returns those that the tracker took. */
  async #askTogether(
    batch: readonly SwarmMembership[],
    { port, askedMs }: { readonly port: number; readonly askedMs: number },
  ): Promise<ReadonlySet<SwarmMembership>> {
    const { signal } = this.#ended;
    try {
      const { generation, taken, wasForgotten } = await this.#batches.announce(batch, {
        ...{ port, askedMs, signal },
      });
      if (this.#health.answered(generation) !== "same-run" || wasForgotten)
        this.#onForgotten(batch);
      return taken;
    } catch (error) {
      if (signal.aborted) return new Set();
      if (error instanceof AccessDeniedError) {
        this.#logger.info("tracker refuses a batch", { reason: error.message });
        for (const membership of batch) this.#memberships.queue.add(membership);
      } else {
        this.#batches.failed("batch");
        this.#onFailure(batch, { askedMs, error });
      }
      return new Set();
    }
  }

  async #announce(membership: SwarmMembership): Promise<void> {
    membership.busy = true;
    membership.askedMs = this.#deps.clock.monotonicMs();
    const first = await this.#ask(membership);
    // At once: who lacks pieces does not wait for all others to hear of those who are near.
    const isRepeated = first?.wantsPlace === true && membership.hungry;
    const answer = isRepeated ? await this.#ask(membership) : first;
    membership.busy = false;
    if (this.#ended.signal.aborted) return;
    if (!membership.wanted || (answer && !membership.settled)) this.#enqueue(membership);
    this.#timer.wakeAt(Math.min(membership.dueMs, this.#aliveDueMs));
    // Peers from anywhere are better than none.
    const told = answer ?? first;
    if (told && (isRepeated || !told.wantsPlace)) membership.found(told.peers);
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
      else {
        this.#batches.failed("announce");
        this.#onFailure([membership], { askedMs: membership.askedMs, error });
      }
      return undefined;
    }
  }

  #onAnswer(membership: SwarmMembership, request: AnnounceRequest, answer: AnnounceAnswer): void {
    this.#renewal.heed(answer);
    const found = this.#health.answered(answer.generation);
    if (found === "other-run") this.#batches.restarted();
    const wasForgotten = this.#batches.offered(answer, this.#health.heardMs);
    if (found !== "same-run" || wasForgotten) this.#onForgotten([membership]);
    membership.told(request, answer);
    membership.taken(answer, this.#deps.random);
  }

  /** The tracker lives, but does not take the torrent: it may not be in its directory yet. */
  #onRefusal(membership: SwarmMembership, error: AccessDeniedError): void {
    this.#health.lives();
    membership.refused(this.#deps.random);
    const { infoHash } = membership;
    this.#logger.debug("tracker refuses a torrent", { infoHash, reason: error.message });
  }

  /** The first of the torrents, or of all, is the first that probes the tracker. */
  #onFailure(
    asked: readonly SwarmMembership[],
    { askedMs, error }: { readonly askedMs: number; readonly error: unknown },
  ): void {
    this.#health.failed(askedMs, error);
    const { first } = this.#memberships;
    for (const membership of asked.length === 0 && first ? [first] : asked) {
      // A goodbye is not worth a second try: there the tracker forgets us by itself.
      if (membership.wanted) this.#memberships.queue.add(membership);
      else membership.forgotten();
    }
    this.#timer.wakeAt(this.#health.probeMs);
  }

  /** @param asked What the tracker was just told of; all else it may have forgotten. */
  #onForgotten(asked: readonly SwarmMembership[]): void {
    const others = this.#memberships.besides(asked);
    if (!others.some(({ known, wanted }) => known && wanted)) return;
    const nowMs = this.#deps.clock.monotonicMs();
    this.#renewal.want(nowMs);
    if (this.#renewal.dueMs <= nowMs) this.#announceAnew(others);
    else this.#timer.wakeAt(this.#renewal.dueMs);
  }

  #announceAnew(memberships: Iterable<SwarmMembership>): void {
    this.#renewal.renewed(this.#deps.clock.monotonicMs());
    this.#memberships.renew(memberships);
  }

  /** Looks for what is due; at most every {@link lookIntervalMs}. */
  #look(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs >= this.#renewal.dueMs) this.#announceAnew(this.#memberships);
    const { nextMs, oldest } = this.#memberships.enqueueDue(nowMs);
    if (nowMs >= this.#health.signOfLifeDueMs(this.#batches.signOfLifeMs)) {
      if (oldest && nowMs >= oldest.askedMs + oldest.intervalMinMs) {
        this.#memberships.queue.add(oldest);
      }
      this.#health.heardMs = nowMs;
    }
    this.#pump();
    if (this.#memberships.size === 0) return;
    this.#timer.wakeAt(Math.min(nextMs, this.#renewal.dueMs, this.#aliveDueMs));
  }

  /** When the tracker has to hear that we are alive, be it by an announce or by a batch. */
  get #aliveDueMs(): number {
    const { signOfLifeMs, beatDueMs } = this.#batches;
    return Math.min(this.#health.signOfLifeDueMs(signOfLifeMs), beatDueMs);
  }
}
