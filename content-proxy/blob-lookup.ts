import { LRUCache } from "lru-cache";

import { abortable } from "../core/async/deadline.ts";
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

/**
 * How long the answer to a look-up is kept that was made before anybody asked: as long as a
 * download goes on that nobody asks for. The peers that it names are asked anew by the swarm.
 */
const aheadTtlMs = 60_000;

/** Memory for such answers: 20 bytes for each piece. */
const aheadBytesMax = 8 * 1024 * 1024;

/** Memory of such an answer beside its piece hashes. */
const overheadBytes = 1000;

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
  /** What was found before anybody asked; the same keys. */
  readonly #ahead = new LRUCache<string, DirectoryEntry>({
    max: rememberedMax,
    maxSize: aheadBytesMax,
    sizeCalculation: ({ metainfo }) => metainfo.pieceHashes.byteLength + overheadBytes,
    ttl: aheadTtlMs,
  });
  readonly #searches = new Map<string, Promise<DirectoryEntry | undefined>>();
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
    if (isNew !== true) {
      const found = await this.#foundAhead(key, signal);
      if (found && !this.isRefused(digest, found.metainfo.infoHash)) return found;
      if (this.#absent.has(key)) return undefined;
    }
    const entry = await this.#search(digest, size, signal);
    if (!entry) this.#absent.set(key, true);
    return entry;
  }

  /**
   * Looks a blob up before anybody asks for it; what is found answers the next {@link find},
   * and that one alone: who asks again wants to know of other peers.
   *
   * @throws the signal's reason, when it is aborted before there is an answer.
   */
  async findAhead(
    digest: Digest,
    { size, signal }: Cancellable & { readonly size: number },
  ): Promise<void> {
    const key = `${digest} ${size}`;
    if (this.#absent.has(key) || this.#ahead.has(key) || this.#searches.has(key)) return;
    const search = this.#search(digest, size, signal);
    this.#searches.set(key, search);
    try {
      const entry = await search;
      if (entry) this.#ahead.set(key, entry);
      else this.#absent.set(key, true);
    } finally {
      this.#searches.delete(key);
    }
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

  async #foundAhead(key: string, signal: AbortSignal): Promise<DirectoryEntry | undefined> {
    const search = this.#searches.get(key);
    // It may be stopped by who began it.
    if (search) await abortable(search, signal).catch(() => signal.throwIfAborted());
    const found = this.#ahead.get(key);
    this.#ahead.delete(key);
    return found;
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
      const { infoHash, layout } = entry.metainfo;
      if (entry.metainfo.digest === digest && layout.size === size) return entry;
      const fields = { digest, infoHash, size: layout.size, wantedSize: size };
      this.#deps.logger.warn("passed over metainfo of another blob", fields);
      refused.add(infoHash);
    }
    return undefined;
  }

  #refusedOf(digest: Digest): Set<InfoHash> {
    return this.#refused.get(digest) ?? new Set();
  }
}
