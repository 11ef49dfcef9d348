import type { LookupFunction } from "node:net";

import { abortable } from "../async/deadline.ts";
import { AccessDeniedError, UnavailableError } from "../errors.ts";
import { formatPeerAddress } from "../peer-address.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { Clock } from "../ports/clock.ts";
import {
  type AnnounceAnswer,
  type AnnounceRequest,
  type TrackerClient,
  boundedIntervalMs,
} from "./tracker-client.ts";
import { type TrackerHost, failureOfFamily } from "./tracker-host.ts";
import { UdpExchange } from "./udp-exchange.ts";
import {
  encodeAnnounce,
  encodeConnect,
  parseAnnounceAnswer,
  parseConnectAnswer,
} from "./udp-packet.ts";

/** What {@link UdpTrackerClient} works with. */
export interface UdpTrackerClientDeps {
  /** How the tracker is reached; with a port. */
  readonly place: TrackerHost;
  /** Ours, 20 bytes. */
  readonly peerId: Uint8Array;
  /** The same in all announces of a run, so that a tracker knows us by all of our addresses. */
  readonly key: number;
  readonly clock: Clock;
  readonly randomUint32: () => number;
  /** The system's, for names. */
  readonly lookup: LookupFunction;
}

/** Announces at once: packets that a socket buffer holds on either side. */
const concurrencyMax = 16;

/** A connection id may be used for a minute (BEP 15), and is on its way for a moment of it. */
const connectionTtlMs = 55_000;

/** A tracker that refuses us on a connection younger than this in milliseconds means the torrent. */
const connectionFreshMs = 1000;

/** UDP trackers name no shortest interval. */
const intervalMinSeconds = 10;

/** What the tracker gave us to announce with. */
interface Connection {
  readonly exchange: UdpExchange;
  readonly id: Buffer;
  readonly madeMs: number;
}

/** Speaks with a tracker over UDP, on one socket for all torrents. @see BEP 15 */
export class UdpTrackerClient implements TrackerClient {
  readonly name: string;
  readonly concurrencyMax = concurrencyMax;
  readonly #deps: UdpTrackerClientDeps;
  readonly #ended = new AbortController();
  #exchange: UdpExchange | undefined;
  /** Shared by all who announce; made anew when it is too old or has failed. */
  #connection: Promise<Connection> | undefined;
  #connectionDueMs = 0;
  /** Counts the runs of the tracker that we noticed. */
  #run = 0;

  constructor(deps: UdpTrackerClientDeps) {
    const { host, port = 0, family, isName } = deps.place;
    const place = `udp://${formatPeerAddress({ host, port })}`;
    this.#deps = deps;
    this.name = isName ? `${place} by IPv${family}` : place;
  }

  async announce(request: AnnounceRequest, { signal }: Cancellable): Promise<AnnounceAnswer> {
    const connecting = this.#connected();
    const run = this.#run;
    try {
      return await this.#announceOn(connecting, request, signal);
    } catch (error) {
      if (error instanceof UnavailableError) {
        await this.#hangUp(connecting);
        signal.throwIfAborted();
        const { place, lookup } = this.#deps;
        throw await abortable(failureOfFamily(error, place, lookup), signal);
      }
      if (!(error instanceof AccessDeniedError) || !(await this.#isOld(connecting))) throw error;
    }
    // The tracker refuses the torrent, or our connection because it was restarted.
    if (this.#connection === connecting) this.#connection = undefined;
    const answer = await this.#announceOn(this.#connected(), request, signal);
    if (this.#run === run) this.#run++;
    return { ...answer, generation: String(this.#run) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(new UnavailableError("Cannot ask the tracker: client is closed"));
    await this.#connection?.catch(() => undefined);
    await this.#exchange?.[Symbol.asyncDispose]();
  }

  async #announceOn(
    connecting: Promise<Connection>,
    request: AnnounceRequest,
    signal: AbortSignal,
  ): Promise<AnnounceAnswer> {
    const { exchange, id } = await abortable(connecting, signal);
    const { key, peerId } = this.#deps;
    const ours = { connectionId: id, key, peerId };
    const packet = await exchange.request(
      (transactionId) => encodeAnnounce(request, { ...ours, transactionId }),
      { signal },
    );
    const { intervalSeconds, peers } = parseAnnounceAnswer(packet, exchange);
    return {
      intervalMs: boundedIntervalMs(intervalSeconds),
      intervalMinMs: boundedIntervalMs(Math.min(intervalSeconds, intervalMinSeconds)),
      peers,
      generation: String(this.#run),
    };
  }

  #connected(): Promise<Connection> {
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#connection && nowMs < this.#connectionDueMs) return this.#connection;
    this.#connection = this.#connect(nowMs);
    this.#connectionDueMs = nowMs + connectionTtlMs;
    return this.#connection;
  }

  /** Not bound to one announce: who gives up does not take the connection from others. */
  async #connect(madeMs: number): Promise<Connection> {
    const { signal } = this.#ended;
    if (!this.#exchange?.usable) {
      this.#exchange = await UdpExchange.open(this.#deps.place, {
        newId: this.#deps.randomUint32,
        signal,
      });
    }
    const exchange = this.#exchange;
    const packet = await exchange.request(encodeConnect, { signal });
    return { exchange, id: parseConnectAnswer(packet), madeMs };
  }

  /** Makes the next announce begin anew, with the tracker's name resolved again. */
  async #hangUp(connecting: Promise<Connection>): Promise<void> {
    if (this.#connection !== connecting) return;
    this.#connection = undefined;
    await this.#exchange?.[Symbol.asyncDispose]();
  }

  /** Whether a connection has been used for a while, so that the tracker may have lost it. */
  async #isOld(connecting: Promise<Connection>): Promise<boolean> {
    const connection = await connecting.catch(() => undefined);
    const ageMs = this.#deps.clock.monotonicMs() - (connection?.madeMs ?? Number.POSITIVE_INFINITY);
    return ageMs >= connectionFreshMs;
  }
}
