import { LRUCache } from "lru-cache";

import type { Clock } from "../ports/clock.ts";
import type { KnownTag, TagMemory } from "./known-tag.ts";

/** Tags that are remembered of each kind, some 500 bytes each. */
const tagsMax = 10_000;

/** A tag as it is kept, also across restarts. */
export interface TagEntry extends Omit<KnownTag, "ageMs"> {
  /** `registry/repository:tag`, perhaps with a digest. */
  readonly reference: string;
  /** Milliseconds since the Unix epoch. */
  readonly knownAtMs: number;
}

/** What tags were last known to name, the least recently asked for forgotten first. */
export class TagTable implements TagMemory {
  readonly #clock: Clock;
  readonly #pushed = new LRUCache<string, TagEntry>({ max: tagsMax });
  readonly #told = new LRUCache<string, TagEntry>({ max: tagsMax });

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  /** What was pushed is told before what the registry said: it is newer. */
  find(reference: string): KnownTag | undefined {
    const entry = this.#pushed.get(reference) ?? this.#told.get(reference);
    if (!entry) return undefined;
    const { descriptor, source, knownAtMs } = entry;
    const ageMs = this.#nowMs() - knownAtMs;
    if (ageMs >= 0) return { descriptor, source, ageMs };
    // A clock that was wrong, then or now, makes nothing young; what was pushed is true at any age.
    return { descriptor, source, ageMs: source === "pushed" ? 0 : Infinity };
  }

  /**
   * Keeps what a tag names. What the registry says ends what was pushed only where it is the
   * same: the push has arrived.
   */
  keep(reference: string, { descriptor, source, ageMs }: KnownTag): void {
    const { mediaType, digest, size } = descriptor;
    this.restore({
      ...{ reference, source },
      descriptor: { mediaType, digest, size },
      knownAtMs: this.#nowMs() - ageMs,
    });
  }

  /** Takes an entry in as it was kept. */
  restore(entry: TagEntry): void {
    const { reference, source, descriptor } = entry;
    if (source === "pushed") {
      this.#pushed.set(reference, entry);
      return;
    }
    this.#told.set(reference, entry);
    const pushed = this.#pushed.peek(reference);
    if (pushed?.descriptor.digest === descriptor.digest) this.#pushed.delete(reference);
  }

  /** Forgets what the registry said; what was pushed stays. */
  forget(reference: string): void {
    this.#told.delete(reference);
  }

  /** Takes back what was pushed. */
  withdraw(reference: string): void {
    this.#pushed.delete(reference);
  }

  /** The least recently asked for first. */
  entries(): readonly TagEntry[] {
    return [...this.#told.values(), ...this.#pushed.values()].reverse();
  }

  #nowMs(): number {
    return Number(this.#clock.now() / 1_000_000n);
  }
}
