import type { Digest } from "../core/digest.ts";

/** Blobs that preheats under way count on: an image must not lose its first blobs to its last. */
export class BlobsInUse {
  readonly #counts = new Map<Digest, number>();

  has(digest: Digest): boolean {
    return this.#counts.has(digest);
  }

  /** Holds blobs until the result is disposed of. Two holders count twice. */
  hold(digests: Iterable<Digest>): Disposable {
    const held = new Set(digests);
    for (const digest of held) this.#counts.set(digest, (this.#counts.get(digest) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        for (const digest of held) this.#release(digest);
        held.clear();
      },
    };
  }

  #release(digest: Digest): void {
    const count = (this.#counts.get(digest) ?? 0) - 1;
    if (count > 0) this.#counts.set(digest, count);
    else this.#counts.delete(digest);
  }
}
