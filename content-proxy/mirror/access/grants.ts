import { LRUCache } from "lru-cache";

import type { Digest } from "../../../core/digest.ts";
import type { Clock } from "../../../core/ports/clock.ts";
import type { Repository } from "../../../core/ports/origin.ts";

/** Rights that are remembered: those of some hundred callers, each with some images. */
const grantsMax = 2000;

/** Digests that are remembered of one right: those of an image, or manifests of some that are pulled. */
const digestsMax = 200;

/** Digests and rights that are remembered together: some ten megabytes. */
const rememberedMax = 50_000;

/** Whose right to what. */
export interface GrantKey extends Repository {
  /** Tells one caller from another. */
  readonly caller: string;
}

/** That a caller may read a repository. */
export interface Grant {
  /** Milliseconds since the registry said so. */
  readonly ageMs: number;
  /** Manifests that it said so of, the newest last. */
  readonly manifests: () => readonly Digest[];
  /** Whether it said so of that blob or manifest. */
  readonly has: (digest: Digest) => boolean;
}

/** What is allowed. */
export interface GrantedDigest {
  readonly digest: Digest;
  readonly isManifest: boolean;
}

interface Kept {
  readonly grantedAtMs: number;
  /** Whether each is a manifest; the newest last. */
  readonly digests: Map<Digest, boolean>;
}

/** Remembers what registries let callers read. In memory only: a restart asks again. */
export class Grants {
  readonly #clock: Clock;
  readonly #grants = new LRUCache<string, Kept>({
    max: grantsMax,
    maxSize: rememberedMax,
    sizeCalculation: ({ digests }) => 1 + digests.size,
  });

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  find(key: GrantKey): Grant | undefined {
    const kept = this.#grants.get(textOf(key));
    if (!kept) return undefined;
    const { grantedAtMs, digests } = kept;
    return {
      ageMs: this.#clock.monotonicMs() - grantedAtMs,
      manifests: () => [...digests].flatMap(([digest, isManifest]) => (isManifest ? [digest] : [])),
      has: (digest) => digests.has(digest),
    };
  }

  /** Notes that the registry lets the caller read something, which makes all of the right new. */
  add(key: GrantKey, granted: GrantedDigest | undefined): void {
    const digests = this.#grants.peek(textOf(key))?.digests ?? new Map<Digest, boolean>();
    if (granted) {
      digests.delete(granted.digest);
      digests.set(granted.digest, granted.isManifest);
      const [oldest] = digests.keys();
      if (digests.size > digestsMax && oldest !== undefined) digests.delete(oldest);
    }
    this.#grants.set(textOf(key), { grantedAtMs: this.#clock.monotonicMs(), digests });
  }

  drop(key: GrantKey): void {
    this.#grants.delete(textOf(key));
  }
}

/** None of the parts has a space in it. */
function textOf({ caller, registry, repository }: GrantKey): string {
  return `${caller} ${registry} ${repository}`;
}
