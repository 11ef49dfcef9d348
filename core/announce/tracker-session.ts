import { createDeadline } from "../async/deadline.ts";
import { AccessDeniedError } from "../errors.ts";
import type { InfoHash } from "../info-hash.ts";
import type { AnnouncedTorrent } from "../ports/announcer.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import { AnnounceQueue } from "./announce-queue.ts";
import { DueTimer } from "./due-timer.ts";
import { RenewalPace } from "./renewal-pace.ts";
import { SwarmMembership } from "./swarm-membership.ts";
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
  readonly #memberships = new Map<InfoHash, SwarmMembership>();
  readonly #queue = new AnnounceQueue();
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
    this.#timer.wakeAt(membership.dueMs);
  }

  /** Says goodbye to the tracker for all torrents that are left, as far as `signal` lets it. */
  async end(signal: AbortSignal): Promise<void> {
    const cut = () => this.#ended.abort(signal.reason);
    signal.addEventListener("abort", cut, { once: true });
    this.#ending = true;
    this.#timer[Symbol.dispose]();
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
    this.#timer[Symbol.dispose]();
    await Promise.all(this.#running);
    this.#memberships.clear();
    await this.#deps.client[Symbol.asyncDispose]();
  }

  #enqueue(membership: SwarmMembership): void {
    if (!membership.wanted && membership.settled && !membership.busy) {
      this.#drop(membership);
      return;
    }
    this.#queue.add(membership);
    this.#pump();
  }

  #drop(membership: SwarmMembership): void {
    this.#queue.delete(membership);
    this.#memberships.delete(membership.infoHash);
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
    const torrentsMax = this.#health.isDown ? undefined : this.#batches.torrentsMax;
    if (torrentsMax === undefined) {
      const membership = this.#queue.take();
      return membership && this.#announce(membership);
    }
    const hungry = this.#queue.takeHungry();
    if (hungry) return this.#announce(hungry);
    if (this.#batches.busy) return undefined;
    const batch = this.#queue.takeTogether(torrentsMax);
    if (batch.length > 0) {
      return this.#announceTogether(
        fillBatch(batch, { from: this.#memberships.values(), countMax: torrentsMax, nowMs }),
      );
    }
    const isBeatDue = nowMs >= this.#batches.beatDueMs && !this.#ending;
    return isBeatDue && this.#memberships.size > 0 ? this.#announceTogether([]) : undefined;
  }

  /** @param batch none: it is but a sign of life. */
  async #announceTogether(batch: readonly SwarmMembership[]): Promise<void> {
    const [first] = this.#memberships.values();
    const port = (batch[0] ?? first)?.port;
    if (port === undefined) return;
    const askedMs = this.#deps.clock.monotonicMs();
    const taken = await this.#askTogether(batch, { port, askedMs });
    if (this.#ended.signal.aborted) return;
    let nextMs = Math.min(this.#signOfLifeDueMs(), this.#batches.beatDueMs);
    for (const membership of batch) {
      if (!membership.wanted && membership.settled) this.#drop(membership);
      else if (!membership.wanted || (taken.has(membership) && !membership.settled)) {
        this.#queue.add(membership);
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
        for (const membership of batch) this.#queue.add(membership);
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
    const { beatDueMs } = this.#batches;
    this.#timer.wakeAt(Math.min(membership.dueMs, this.#signOfLifeDueMs(), beatDueMs));
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
    membership.refusals = 0;
    membership.intervalMinMs = answer.intervalMinMs;
    const factor = 1 - this.#deps.random() * intervalJitter;
    membership.dueMs = membership.askedMs + answer.intervalMs * factor;
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
    const [first] = this.#memberships.values();
    for (const membership of asked.length === 0 && first ? [first] : asked) {
      // A goodbye is not worth a second try: there the tracker forgets us by itself.
      if (membership.wanted) this.#queue.add(membership);
      else membership.forgotten();
    }
    this.#timer.wakeAt(this.#health.probeMs);
  }

  /** @param asked What the tracker was just told of; all else it may have forgotten. */
  #onForgotten(asked: readonly SwarmMembership[]): void {
    const except = new Set(asked);
    const others = [...this.#memberships.values()].filter((each) => !except.has(each));
    if (!others.some(({ known, wanted }) => known && wanted)) return;
    const nowMs = this.#deps.clock.monotonicMs();
    this.#renewal.want(nowMs);
    if (this.#renewal.dueMs <= nowMs) this.#announceAnew(others);
    else this.#timer.wakeAt(this.#renewal.dueMs);
  }

  #announceAnew(memberships: Iterable<SwarmMembership>): void {
    this.#renewal.renewed(this.#deps.clock.monotonicMs());
    for (const membership of memberships) {
      membership.forgotten();
      if (!membership.wanted) this.#drop(membership);
      else this.#queue.add(membership);
    }
  }

  /** Looks for what is due; at most every {@link lookIntervalMs}. */
  #look(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs >= this.#renewal.dueMs) this.#announceAnew(this.#memberships.values());
    let nextMs = this.#renewal.dueMs;
    let oldest: SwarmMembership | undefined;
    for (const membership of this.#memberships.values()) {
      if (membership.busy) continue;
      if (membership.dueMs <= nowMs) {
        this.#queue.add(membership);
      } else {
        nextMs = Math.min(nextMs, membership.dueMs);
        // Who is refused gives no sign of life.
        if (membership.known && membership.askedMs < (oldest?.askedMs ?? nowMs)) {
          oldest = membership;
        }
      }
    }
    if (nowMs >= this.#signOfLifeDueMs()) {
      if (oldest && nowMs >= oldest.askedMs + oldest.intervalMinMs) this.#queue.add(oldest);
      this.#health.heardMs = nowMs;
    }
    this.#pump();
    if (this.#memberships.size === 0) return;
    this.#timer.wakeAt(Math.min(nextMs, this.#signOfLifeDueMs(), this.#batches.beatDueMs));
  }

  #signOfLifeDueMs(): number {
    return this.#health.heardMs + Math.min(heartbeatMs, this.#batches.signOfLifeMs ?? heartbeatMs);
  }
}
