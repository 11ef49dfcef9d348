import type { Digest } from "../core/digest.ts";
import type { Arrival } from "./arrival.ts";

type Progress = Pick<Arrival, "digest" | "promised" | "bytesDone" | "bytesGiven">;

/** Grows also with bytes of pieces that are not whole yet: on a slow link one takes its time. */
function bytesOf({ bytesDone, bytesGiven }: Progress): number {
  return bytesDone + bytesGiven;
}

/**
 * Part of the time that is not looked at: what falls silent for all does not do so for all at
 * the same moment.
 */
const slackPart = 0.25;

/**
 * Notes how far blobs are that arrive, to tell later which of them have stood still. Dispose of
 * it when nobody will ask.
 */
export class Standstill<One extends Progress = Arrival> implements Disposable {
  readonly #arrivals: Iterable<One>;
  readonly #slackMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** By digest, of all that arrived at the look. */
  #seen: ReadonlyMap<Digest, { readonly bytes: number; readonly promised: boolean }> = new Map();

  /** @param options `forMs`: after so long without a restart somebody will ask. */
  constructor(arrivals: Iterable<One>, { forMs }: { readonly forMs: number }) {
    this.#arrivals = arrivals;
    this.#slackMs = forMs * slackPart;
    this.restart();
  }

  /** Begins anew: what stood still before does not count. */
  restart(): void {
    clearTimeout(this.#timer);
    this.#seen = new Map();
    this.#timer = setTimeout(() => this.#look(), this.#slackMs);
  }

  /** Whether bytes of any blob came. */
  get isAnyMoving(): boolean {
    return [...this.#arrivals].some((arrival) => {
      const seen = this.#seen.get(arrival.digest);
      return bytesOf(arrival) > (seen?.bytes ?? 0);
    });
  }

  /** Promised blobs of which no byte came for the whole time, but for a moment at its start. */
  stillOnes(): readonly One[] {
    return [...this.#arrivals].filter((arrival) => {
      const seen = this.#seen.get(arrival.digest);
      return seen?.promised === true && seen.bytes === bytesOf(arrival);
    });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    const arrivals = [...this.#arrivals];
    this.#seen = new Map(
      arrivals.map((arrival) => {
        const { digest, promised } = arrival;
        return [digest, { bytes: bytesOf(arrival), promised }];
      }),
    );
  }
}
