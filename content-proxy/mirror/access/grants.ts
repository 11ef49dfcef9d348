import { LRUCache } from "lru-cache";

import type { Digest } from "../../../core/digest.ts";
import type { Clock } from "../../../core/ports/clock.ts";
import type { Repository } from "../../../core/ports/origin.ts";

/** Rights that are remembered: those of some hundred callers, each with some images. */
const grantsMax = 2000;

/** Digests that are remembered of one right: those of the images that are pulled just now. */
const digestsMax = 1000;

/** Whose right to what. */
export interface GrantKey extends Repository {
  /** Tells one caller from another. */
  readonly caller: string;
}

/** That a caller may read a repository. */
export interface Grant {
  /** Milliseconds since the registry said so. */
  readonly ageMs: number;
  /** What it said so of, the newest last. */
  readonly digests: Iterable<Digest>;
}

interface Kept {
  readonly grantedAtMs: number;
  readonly digests: Set<Digest>;
}

/** Remembers what registries let callers read. In memory only: a restart asks again. */
export class Grants {
  readonly #clock: Clock;
  readonly #grants = new LRUCache<string, Kept>({ max: grantsMax });

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  find(key: GrantKey): Grant | undefined {
    const kept = this.#grants.get(textOf(key));
    return kept && { ageMs: this.#clock.monotonicMs() - kept.grantedAtMs, digests: kept.digests };
  }

  /** Notes that the registry lets the caller read the digest, which makes all of the right new. */
  add(key: GrantKey, digest: Digest | undefined): void {
    this.#keep(key, { grantedAtMs: this.#clock.monotonicMs(), digest });
  }

  /** Notes that the digest belongs to what the right is for, which is no newer for that. */
  extend(key: GrantKey, digest: Digest): void {
    const kept = this.#grants.get(textOf(key));
    if (kept) this.#keep(key, { grantedAtMs: kept.grantedAtMs, digest });
  }

  drop(key: GrantKey): void {
    this.#grants.delete(textOf(key));
  }

  #keep(
    key: GrantKey,
    { grantedAtMs, digest }: { readonly grantedAtMs: number; readonly digest: Digest | undefined },
  ): void {
    const digests = this.#grants.peek(textOf(key))?.digests ?? new Set<Digest>();
    if (digest !== undefined) {
      digests.delete(digest);
      digests.add(digest);
      const [oldest] = digests;
      if (digests.size > digestsMax && oldest !== undefined) digests.delete(oldest);
    }
    this.#grants.set(textOf(key), { grantedAtMs, digests });
  }
}

/** None of the parts has a space in it. */
function textOf({ caller, registry, repository }: GrantKey): string {
  return `${caller} ${registry} ${repository}`;
}
