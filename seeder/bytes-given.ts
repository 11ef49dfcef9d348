import type { Swarm } from "../core/ports/swarm.ts";

/** Adds up what this seeder gave, by BitTorrent and by HTTP. */
export class BytesGiven {
  readonly #swarm: Pick<Swarm, "uploadedBytes">;
  #byHttp = 0;

  constructor(swarm: Pick<Swarm, "uploadedBytes">) {
    this.#swarm = swarm;
  }

  /** All bytes since the start. */
  get total(): number {
    return this.#swarm.uploadedBytes + this.#byHttp;
  }

  /** Notes bytes that went by HTTP. */
  add(bytes: number): void {
    this.#byHttp += bytes;
  }
}
