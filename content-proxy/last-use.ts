import { LRUCache } from "lru-cache";

import type { Digest } from "../core/digest.ts";
import type { BlobRecord } from "../core/ports/blob-store.ts";
import type { Clock } from "../core/ports/clock.ts";

/** Blobs whose use is remembered: those of some hundred images. */
const blobsMax = 20_000;

/**
 * Knows when cached blobs were used last: what clients of the mirror take again and again changes
 * nothing in the store, and must not be what leaves first. Kept in memory only.
 */
export class LastUse {
  readonly #clock: Pick<Clock, "now">;
  readonly #usedAt = new LRUCache<Digest, bigint>({ max: blobsMax });

  constructor({ clock }: { readonly clock: Pick<Clock, "now"> }) {
    this.#clock = clock;
  }

  /** Notes that a blob is used now. */
  note(digest: Digest): void {
    this.#usedAt.set(digest, this.#clock.now());
  }

  /** Nanoseconds since the epoch. */
  of({ digest, updatedAt }: Pick<BlobRecord, "digest" | "updatedAt">): bigint {
    const usedAt = this.#usedAt.get(digest) ?? 0n;
    return usedAt > updatedAt ? usedAt : updatedAt;
  }
}
