import { LRUCache } from "lru-cache";

import type { Digest } from "../core/digest.ts";
import type { InfoHash } from "../core/info-hash.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Directory, DirectoryEntry } from "../core/ports/directory.ts";
import type { Logger } from "../core/ports/logger.ts";

/**
 * How long "nobody knows it" is believed: the look-up that a manifest started answers
 * containerd's question a moment later, and a blob that appears is soon found.
 */
const absentTtlMs = 1000;

/** Digests of which look-ups are remembered: a few large images at once. */
const rememberedMax = 1000;

/** Torrents of one digest that may turn out wrong before we give up on the directory. */
const refusedMax = 8;

/** What {@link BlobLookup} works with. */
export interface BlobLookupDeps {
  readonly directory: Directory;
  readonly logger: Logger;
}

/**
 * Finds the torrent of a blob, and remembers which ones were wrong.
 *
 * The directory is not trusted: metainfo whose size is not the one that containerd
 * was told by the manifest is not taken, metainfo whose pieces make another blob
 * is reported by {@link refuse} when that comes out.
 */
export class BlobLookup {
  readonly #deps: BlobLookupDeps;
  /** By digest and size. */
  readonly #absent = new LRUCache<string, true>({ max: rememberedMax, ttl: absentTtlMs });
  readonly #refused = new LRUCache<Digest, Set<InfoHash>>({ max: rememberedMax });

  constructor(deps: BlobLookupDeps) {
    this.#deps = deps;
  }

  /**
   * The torrent of a blob of that digest and size; `undefined` when nobody knows one.
   *
   * @param options `isNew`: somebody has told that it is there now.
   */
  async find(
    digest: Digest,
    { size, isNew, signal }: Cancellable & { readonly size: number; readonly isNew?: boolean },
  ): Promise<DirectoryEntry | undefined> {
    const key = `${digest} ${size}`;
    if (this.#absent.has(key) && isNew !== true) return undefined;
    const entry = await this.#search(digest, size, signal);
    if (!entry) this.#absent.set(key, true);
    return entry;
  }

  /** Notes that a torrent is not the blob that it is named for. */
  refuse(digest: Digest, infoHash: InfoHash): void {
    const refused = this.#refusedOf(digest);
    refused.add(infoHash);
    this.#refused.set(digest, refused);
    this.#deps.logger.warn("refused metainfo", { digest, infoHash });
  }

  isRefused(digest: Digest, infoHash: InfoHash): boolean {
    return this.#refusedOf(digest).has(infoHash);
  }

  /**
   * Metainfo of another size is passed over, not remembered as wrong: a manifest that tells
   * a wrong size must not keep others from the blob.
   */
  async #search(
    digest: Digest,
    size: number,
    signal: AbortSignal,
  ): Promise<DirectoryEntry | undefined> {
    const refused = new Set(this.#refusedOf(digest));
    while (refused.size < refusedMax) {
      const entry = await this.#deps.directory.lookup(digest, { signal, refused });
      if (!entry || refused.has(entry.metainfo.infoHash)) return undefined;
      if (entry.metainfo.digest === digest && entry.metainfo.layout.size === size) return entry;
      refused.add(entry.metainfo.infoHash);
    }
    return undefined;
  }

  #refusedOf(digest: Digest): Set<InfoHash> {
    return this.#refused.get(digest) ?? new Set();
  }
}
