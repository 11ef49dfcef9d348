import type { Happening } from "./event-queue.ts";
import type { SimulatedHost } from "./host.ts";
import { type Passing, Pipe } from "./pipe.ts";
import type { Lane, Timeline } from "./timeline.ts";

export interface NetworkSettings {
  /** One way, between hosts of one zone, and of different ones. */
  readonly latencyMs: number;
  readonly farLatencyMs: number;
  readonly zones: number;
  /** What the border of a zone lets through each way, for all its hosts together. */
  readonly borderBytesPerMs: number;
}

/** Bytes on their way. */
export interface Parcel extends Happening {
  readonly from: SimulatedHost;
  readonly to: SimulatedHost;
  readonly length: number;
}

/** What is between hosts: time, and borders between zones. */
export class Network {
  readonly #settings: NetworkSettings;
  readonly #near: Lane;
  readonly #far: Lane;
  readonly #outward: readonly Pipe[];
  readonly #inward: readonly Pipe[];

  constructor(timeline: Timeline, settings: NetworkSettings) {
    this.#settings = settings;
    this.#near = timeline.lane(settings.latencyMs);
    this.#far = timeline.lane(settings.farLatencyMs);
    const pipes = () =>
      Array.from({ length: settings.zones }, () => new Pipe(settings.borderBytesPerMs));
    this.#outward = pipes();
    this.#inward = pipes();
  }

  /** Whether hosts may be far from each other. */
  get hasBorders(): boolean {
    return this.#settings.zones > 1;
  }

  /** Bytes that came into each zone from the others. */
  get borderBytes(): number[] {
    return this.#inward.map(({ bytes }) => bytes);
  }

  /** Milliseconds there and back. */
  roundTripMs(from: SimulatedHost, to: SimulatedHost): number {
    const { latencyMs, farLatencyMs } = this.#settings;
    return 2 * (from.zone === to.zone ? latencyMs : farLatencyMs);
  }

  /** Sends a message, which is so short that no link notices it. */
  tell(from: SimulatedHost, to: SimulatedHost, action: () => void): void {
    this.send(from, to, { happen: action });
  }

  /** The same of a message that knows what to do: most are requests for bytes. */
  send(from: SimulatedHost, to: SimulatedHost, message: Happening): void {
    (from.zone === to.zone ? this.#near : this.#far).after(message);
  }

  /** Carries a question to a tracker, or its answer. */
  tellTracker(action: () => void): void {
    this.#near.after({ happen: action });
  }

  /** Does what a message to many does: at once, when the farthest of them could have it. */
  tellAll(action: () => void): void {
    this.#far.after({ happen: action });
  }

  /** Carries bytes that leave a host's uplink; the parcel happens when the other has the last. */
  carry(parcel: Parcel, passing: Passing): void {
    const { from, to, length } = parcel;
    const latencyMs = this.roundTripMs(from, to) / 2;
    let startMs = passing.startMs + latencyMs;
    let endMs = passing.endMs + latencyMs;
    if (from.zone !== to.zone) {
      for (const border of [this.#outward[from.zone], this.#inward[to.zone]]) {
        const throughMs = border?.pass(length, { startMs, endMs }) ?? endMs;
        startMs += throughMs - endMs;
        endMs = throughMs;
      }
    }
    to.downlink.accept(length, { startMs, endMs }, parcel);
  }
}
