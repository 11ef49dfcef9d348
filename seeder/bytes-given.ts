import type { InfoHash } from "../core/info-hash.ts";
import type { Swarm } from "../core/ports/swarm.ts";

/** Adds up what this seeder gave, by BitTorrent and by HTTP. */
export class BytesGiven {
  readonly #swarm: Pick<Swarm, "status">;
  /** By HTTP, and in swarms that were left. */
  #others = 0;

  constructor(swarm: Pick<Swarm, "status">) {
    this.#swarm = swarm;
  }

  /** All bytes since the start. */
  get total(): number {
    return this.#swarm
      .status()
      .reduce((sum, { uploadedBytes }) => sum + uploadedBytes, this.#others);
  }

  /** Notes bytes that went by HTTP. */
  add(bytes: number): void {
    this.#others += bytes;
  }

  /** Notes what was given in a swarm that is about to be left. */
  leave(infoHash: InfoHash): void {
    const left = this.#swarm.status().find((status) => status.infoHash === infoHash);
    this.#others += left?.uploadedBytes ?? 0;
  }
}
