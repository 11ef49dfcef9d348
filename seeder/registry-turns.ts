import { LRUCache } from "lru-cache";

import { Limiter } from "../core/async/limiter.ts";

/** How many blobs may be fetched from one registry at once. */
export interface TurnsPerRegistry {
  /** Ahead of pulls. */
  readonly blobsMax: number;
  /** Because somebody pulls them. */
  readonly pullBlobsMax: number;
}

/** Limits that are remembered, two for each registry: more than any cluster has. */
const limitersMax = 1000;

/**
 * Whose turn it is to be fetched, for each registry by itself: one that hangs does not hold up
 * the others, and an image that somebody will pull does not hold up one that somebody pulls.
 */
export class RegistryTurns {
  readonly #counts: TurnsPerRegistry;
  readonly #limiters = new LRUCache<string, Limiter>({ max: limitersMax });

  constructor(counts: TurnsPerRegistry) {
    this.#counts = counts;
  }

  /** The queue of a registry's blobs. */
  of(registry: string, { isUrgent }: { readonly isUrgent: boolean }): Limiter {
    const { blobsMax, pullBlobsMax } = this.#counts;
    const key = `${isUrgent ? "pulls" : "preheats"} ${registry}`;
    const limiter = this.#limiters.get(key) ?? new Limiter(isUrgent ? pullBlobsMax : blobsMax);
    this.#limiters.set(key, limiter);
    return limiter;
  }
}
