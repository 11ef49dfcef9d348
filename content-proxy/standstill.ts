import type { Digest } from "../core/digest.ts";
import type { Arrival } from "./arrival.ts";

type Progress = Pick<Arrival, "digest" | "promised" | "bytesDone">;

/**
 * Looks a while from now at how far promised blobs are, to tell later which of them have
 * stood still since. Dispose of it when nobody will ask.
 */
export class Standstill implements Disposable {
  readonly #arrivals: Iterable<Progress>;
  readonly #timer: NodeJS.Timeout;
  #bytesDone: ReadonlyMap<Digest, number> = new Map();

  constructor(arrivals: Iterable<Progress>, { lookAfterMs }: { readonly lookAfterMs: number }) {
    this.#arrivals = arrivals;
    this.#timer = setTimeout(() => this.#look(), lookAfterMs);
  }

  /** Promised blobs of which no byte came since it looked; none before that. */
  stillOnes(): readonly Digest[] {
    return [...this.#arrivals]
      .filter(({ digest, bytesDone }) => this.#bytesDone.get(digest) === bytesDone)
      .map(({ digest }) => digest);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    const promised = [...this.#arrivals].filter((arrival) => arrival.promised);
    this.#bytesDone = new Map(promised.map(({ digest, bytesDone }) => [digest, bytesDone]));
  }
}
