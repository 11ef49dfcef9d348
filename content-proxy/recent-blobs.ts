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
  /** By how many it is held. */
  readonly #held = new Map<Digest, number>();

  /** Notes that a pull is about to need the blob. */
  touch(digest: Digest): void {
    this.#touched.set(digest, true);
  }

  /** Keeps the blob until the hold is disposed of, and a while longer. */
  hold(digest: Digest): Disposable {
    this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1);
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#release(digest);
      },
    };
  }

  /** Notes that containerd has let go of it: it may be evicted at once. */
  drop(digest: Digest): void {
    this.#touched.delete(digest);
  }

  has(digest: Digest): boolean {
    return this.#held.has(digest) || this.#touched.has(digest);
  }

  #release(digest: Digest): void {
    const count = (this.#held.get(digest) ?? 1) - 1;
    if (count > 0) this.#held.set(digest, count);
    else this.#held.delete(digest);
    this.touch(digest);
  }
}
