import type { PeerAddress } from "../../core/peer-address.ts";
import { Downlink } from "./downlink.ts";
import type { Timeline } from "./timeline.ts";
import { Uplink } from "./uplink.ts";

export interface HostSettings {
  readonly index: number;
  readonly zone: number;
  /** What its link lets through each way, and its processor. */
  readonly bytesPerMs: number;
  /** Connections that others may open to it. */
  readonly connectionsMax: number;
  /** Room for pieces that are on their way, over all its downloads. */
  readonly buffersBytes: number;
}

/** A machine: its link, and what all blobs on it share. */
export class SimulatedHost {
  readonly address: PeerAddress;
  readonly zone: number;
  readonly bytesPerMs: number;
  readonly uplink: Uplink;
  readonly downlink: Downlink;
  readonly connectionsMax: number;
  /** Connections that others have to it. */
  connections = 0;
  /** It has vanished: it answers nothing, and does not say so. */
  isGone = false;
  #buffersBytes: number;

  constructor(timeline: Timeline, settings: HostSettings) {
    const { index, zone, bytesPerMs, connectionsMax, buffersBytes } = settings;
    const host = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
    this.address = { host, port: 7080 };
    this.zone = zone;
    this.bytesPerMs = bytesPerMs;
    this.uplink = new Uplink(timeline, bytesPerMs);
    this.downlink = new Downlink(timeline, bytesPerMs);
    this.connectionsMax = connectionsMax;
    this.#buffersBytes = buffersBytes;
  }

  /** Whether there is room for a piece. */
  hasBuffer(length: number): boolean {
    return this.#buffersBytes >= length;
  }

  /** Takes room for a piece. Gives whether there was any. */
  takeBuffer(length: number): boolean {
    if (this.#buffersBytes < length) return false;
    this.#buffersBytes -= length;
    return true;
  }

  giveBackBuffer(length: number): void {
    this.#buffersBytes += length;
  }
}
