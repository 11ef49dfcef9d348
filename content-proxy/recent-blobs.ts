import { LRUCache } from "lru-cache";

import type { Digest } from "../core/digest.ts";

/**
 * How long a blob stays that came for containerd but is not containerd's own yet: between
 * "it is all here" and COMMIT lie milliseconds, between fetching ahead and being asked for
 * the pull of other blobs.
 */
const graceMs = 120_000;

/** Blobs that can be in that state at once: those of some dozens of large images. */
const blobsMax = 10_000;

/** Blobs that just came or were just promised, and must not be evicted from under a pull. */
export class RecentBlobs {
  readonly #touched = new LRUCache<Digest, true>({ max: blobsMax, ttl: graceMs });

  /** Notes that a pull is about to need the blob. */
  touch(digest: Digest): void {
    this.#touched.set(digest, true);
  }

  /** Notes that containerd has let go of it: it may be evicted at once. */
  drop(digest: Digest): void {
    this.#touched.delete(digest);
  }

  has(digest: Digest): boolean {
    return this.#touched.has(digest);
  }
}
