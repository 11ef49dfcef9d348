import type { LimitReport } from "../service-status.ts";
import { Passage, type PassageOptions } from "./passage.ts";
import { TokenBucket, bucketCells } from "./token-bucket.ts";
import { type LimitTime, Turnstile } from "./turnstile.ts";

/**
 * What can be limited: bytes that leave this host; those that come to it; those of them that come
 * from registries; those of them that come before anybody pulls them.
 */
export const limitNames = ["upload", "download", "origin", "preheat"] as const;

export type LimitName = (typeof limitNames)[number];

/** Bytes per second; 0 where there is no limit. */
export type HostRates = Readonly<Record<LimitName, number>>;

/** What a limit is, and the bytes that went through it while it was one. */
export interface LimitState {
  readonly rate: number;
  readonly taken: number;
}

/** The time of this process, which all its threads have in common. */
const processTime: LimitTime = {
  now: () => process.hrtime.bigint(),
  wakeAfter: (durationMs, wake) => {
    const timer = setTimeout(wake, durationMs);
    return () => clearTimeout(timer);
  },
};

/**
 * The limits of this host, as one thread sees them. Threads have one each over the same memory,
 * and what one sets holds for all, from the next bytes on.
 */
export class HostLimits {
  /** For another thread's {@link HostLimits}. */
  readonly memory: SharedArrayBuffer;
  readonly #buckets: Readonly<Record<LimitName, TokenBucket>>;
  readonly #turnstiles: Readonly<Record<LimitName, Turnstile>>;

  /** @param deps `memory`: of another thread; left out: new, with no limits. */
  constructor({
    memory,
    time = processTime,
  }: { readonly memory?: SharedArrayBuffer | undefined; readonly time?: LimitTime } = {}) {
    const bytesPerBucket = bucketCells * BigInt64Array.BYTES_PER_ELEMENT;
    this.memory = memory ?? new SharedArrayBuffer(limitNames.length * bytesPerBucket);
    this.#buckets = forEach(
      (_, index) =>
        new TokenBucket(new BigInt64Array(this.memory, index * bytesPerBucket, bucketCells)),
    );
    this.#turnstiles = forEach((name) => new Turnstile({ bucket: this.#buckets[name], time }));
  }

  /** Sets all limits. */
  set(rates: HostRates): void {
    for (const name of limitNames) this.#buckets[name].rate = rates[name];
  }

  get state(): Readonly<Record<LimitName, LimitState>> {
    return forEach((name) => {
      const { rate, taken } = this.#buckets[name];
      return { rate, taken };
    });
  }

  /** The limits that are set, for people to look at. */
  report(): readonly LimitReport[] {
    const { state } = this;
    return limitNames
      .filter((name) => state[name].rate > 0)
      .map((name) => ({ name, bytesPerSecond: state[name].rate, bytes: state[name].taken }));
  }

  /** A way through some of the limits, for the bytes of one connection. */
  passage(names: readonly LimitName[], options: Pick<PassageOptions, "flow" | "isAhead">): Passage {
    const { preheat } = this.#turnstiles;
    const turnstiles = names.map((name) => this.#turnstiles[name]);
    return new Passage({ ...options, turnstiles, preheat });
  }
}

function forEach<T>(make: (name: LimitName, index: number) => T): Record<LimitName, T> {
  return {
    upload: make("upload", 0),
    download: make("download", 1),
    origin: make("origin", 2),
    preheat: make("preheat", 3),
  };
}
