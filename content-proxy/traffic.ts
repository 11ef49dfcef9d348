import type { TrafficReport } from "../core/service-status.ts";
import type { BytesReceived, Swarm } from "../core/ports/swarm.ts";

/** Adds up what came to this node, and from whom. */
export class Traffic {
  readonly #swarm: Pick<Swarm, "uploadedBytes">;
  #ended: BytesReceived = { peers: 0, seeders: 0, webSeeds: 0, origin: 0 };
  #originBytes = 0;

  constructor(swarm: Pick<Swarm, "uploadedBytes">) {
    this.#swarm = swarm;
  }

  /** Notes what a download that has ended received. */
  addDownload(received: BytesReceived): void {
    this.#ended = sumOf(this.#ended, received);
  }

  /** Notes bytes that containerd wrote. */
  addWritten(bytes: number): void {
    this.#originBytes += bytes;
  }

  /** All bytes since the start; those of downloads under way come from the swarm itself. */
  report(underWay: Iterable<BytesReceived>): TrafficReport {
    let received = this.#ended;
    for (const download of underWay) received = sumOf(received, download);
    const { uploadedBytes } = this.#swarm;
    const { origin, ...swarm } = received;
    return { received: swarm, originBytes: this.#originBytes + origin, uploadedBytes };
  }
}

function sumOf(one: BytesReceived, other: BytesReceived): BytesReceived {
  return {
    peers: one.peers + other.peers,
    seeders: one.seeders + other.seeders,
    webSeeds: one.webSeeds + other.webSeeds,
    origin: one.origin + other.origin,
  };
}
