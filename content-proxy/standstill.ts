import type { Digest } from "../core/digest.ts";
import type { Arrival } from "./arrival.ts";

type Progress = Pick<Arrival, "digest" | "promised" | "bytesDone">;

/** Notes how far promised blobs are, to tell later which of them have stood still since. */
export class Standstill<One extends Progress = Arrival> {
  readonly #arrivals: Iterable<One>;
  readonly #forMs: number;
  #bytesDone: ReadonlyMap<Digest, number> = new Map();
  #sinceMs = 0;

  /** @param options `forMs`: what moved within so long does not stand still. */
  constructor(arrivals: Iterable<One>, { forMs }: { readonly forMs: number }) {
    this.#arrivals = arrivals;
    this.#forMs = forMs;
    this.restart();
  }

  /** Looks anew: what stood still before does not count. */
  restart(): void {
    const promised = [...this.#arrivals].filter((arrival) => arrival.promised);
    this.#bytesDone = new Map(promised.map(({ digest, bytesDone }) => [digest, bytesDone]));
    this.#sinceMs = performance.now();
  }

  /** Promised blobs of which no byte came for the whole time; none before that is over. */
  stillOnes(): readonly One[] {
    if (performance.now() - this.#sinceMs < this.#forMs) return [];
    return [...this.#arrivals].filter(
      ({ digest, bytesDone }) => this.#bytesDone.get(digest) === bytesDone,
    );
  }
}
