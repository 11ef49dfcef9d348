import type { LimitTime } from "./turnstile.ts";

/** Time that stands still until a test moves it, and then wakes whom it should on its way. */
export class ManualTime implements LimitTime {
  readonly #lateMs: () => number;
  #nowNs = 1_000_000_000_000n;
  #sleeping: { readonly atNs: bigint; readonly wake: () => void }[] = [];

  /** @param lateMs How much later than it should each wakes; left out: not at all. */
  constructor(lateMs = () => 0) {
    this.#lateMs = lateMs;
  }

  /** Milliseconds that have passed. */
  get nowMs(): number {
    return Number(this.#nowNs / 1000n) / 1000 - 1_000_000;
  }

  /** How many wait to be woken. */
  get timers(): number {
    return this.#sleeping.length;
  }

  now(): bigint {
    return this.#nowNs;
  }

  wakeAfter(durationMs: number, wake: () => void): () => void {
    const sleeper = {
      atNs: this.#nowNs + BigInt(Math.round((durationMs + this.#lateMs()) * 1e6)),
      wake,
    };
    this.#sleeping.push(sleeper);
    return () => void (this.#sleeping = this.#sleeping.filter((other) => other !== sleeper));
  }

  advance(durationMs: number): void {
    const endNs = this.#nowNs + BigInt(Math.round(durationMs * 1e6));
    for (;;) {
      const next = this.#sleeping.toSorted((one, other) => Number(one.atNs - other.atNs))[0];
      if (!next || next.atNs > endNs) break;
      this.#sleeping = this.#sleeping.filter((other) => other !== next);
      if (next.atNs > this.#nowNs) this.#nowNs = next.atNs;
      next.wake();
    }
    this.#nowNs = endNs;
  }
}
