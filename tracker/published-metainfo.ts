import { LRUCache } from "lru-cache";

import type { Digest } from "../core/digest.ts";
import { StorageFullError } from "../core/errors.ts";
import type { InfoHash } from "../core/info-hash.ts";
import type { Metainfo } from "../core/metainfo.ts";
import type { DirectoryReport } from "../core/service-status.ts";

/** Keeps metainfo over restarts. */
export interface MetainfoKeeper {
  keep(metainfo: Metainfo): Promise<void>;
  drop(infoHash: InfoHash): void;
}

/** Bounds of a {@link PublishedMetainfo}. */
export interface DirectoryLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

/** One torrent that is said to be the blob. */
interface Candidate {
  readonly metainfo: Metainfo;
  /** Addresses of those who said so. */
  readonly publishers: Set<string>;
}

/**
 * Torrents that are told of for one digest. There is one right one; others come
 * from broken or lying publishers, and a reader who finds out asks for the next.
 */
const candidatesMax = 4;

/** More who agree would only cost memory. */
const publishersMax = 64;

/** Memory of an entry beside its piece hashes, measured: objects, digest, info hash. */
const overheadBytes = 1024;

/** The directory: which torrents are said to be the blob of a digest. */
export class PublishedMetainfo {
  readonly #keeper: MetainfoKeeper | undefined;
  readonly #limits: DirectoryLimits;
  readonly #candidates: LRUCache<Digest, readonly Candidate[]>;
  readonly #digests = new Map<InfoHash, Digest>();

  constructor(limits: DirectoryLimits, keeper?: MetainfoKeeper) {
    this.#limits = limits;
    this.#keeper = keeper;
    this.#candidates = new LRUCache({
      max: limits.entriesMax,
      maxSize: limits.bytesMax,
      sizeCalculation: sizeOf,
      dispose: (candidates, _digest, reason) => {
        if (reason === "evict") for (const { metainfo } of candidates) this.#forget(metainfo);
      },
    });
  }

  /**
   * Takes in metainfo, and has it kept before it resolves.
   *
   * @param publisher Address of who says that this is the blob; empty when not known.
   * @returns whether it is new.
   * @throws {StorageFullError} when there are already as many other torrents of the
   *   digest as are kept, each named by several publishers.
   */
  async put(metainfo: Metainfo, publisher: string): Promise<boolean> {
    const { digest, infoHash } = metainfo;
    const known = this.#candidates.get(digest) ?? [];
    const same = known.find((candidate) => candidate.metainfo.infoHash === infoHash);
    if (same) {
      if (publisher && same.publishers.size < publishersMax) same.publishers.add(publisher);
      return false;
    }
    this.#add(metainfo, publisher ? [publisher] : []);
    await this.#keeper?.keep(metainfo);
    return true;
  }

  /** Takes in what was kept, the least recently used first. */
  restore(kept: readonly Metainfo[]): void {
    for (const metainfo of kept) this.#add(metainfo, []);
  }

  /** The torrent that most publishers say is the blob, without those that the asker turned down. */
  find(digest: Digest, refused: ReadonlySet<InfoHash>): Metainfo | undefined {
    let best: Candidate | undefined;
    for (const candidate of this.#candidates.get(digest) ?? []) {
      if (refused.has(candidate.metainfo.infoHash)) continue;
      if (!best || candidate.publishers.size > best.publishers.size) best = candidate;
    }
    return best?.metainfo;
  }

  /** Whether a torrent is in the directory. Its entry counts as used. */
  use(infoHash: InfoHash): boolean {
    const digest = this.#digests.get(infoHash);
    return digest !== undefined && this.#candidates.get(digest) !== undefined;
  }

  /** A torrent of the directory, by its info hash. Does not count as use. */
  peek(infoHash: InfoHash): Metainfo | undefined {
    const digest = this.#digests.get(infoHash);
    const candidates = digest === undefined ? [] : (this.#candidates.peek(digest) ?? []);
    return candidates.find(({ metainfo }) => metainfo.infoHash === infoHash)?.metainfo;
  }

  report(): DirectoryReport {
    const { entriesMax, bytesMax } = this.#limits;
    const { size, calculatedSize } = this.#candidates;
    return { entries: size, entriesMax, bytes: calculatedSize, bytesMax };
  }

  #add(metainfo: Metainfo, publishers: readonly string[]): void {
    const { digest, infoHash } = metainfo;
    const others = this.#withRoom(this.#candidates.get(digest) ?? [], digest);
    this.#digests.set(infoHash, digest);
    this.#candidates.set(digest, [...others, { metainfo, publishers: new Set(publishers) }]);
  }

  /** The candidates without the least believed one, if there are as many as are kept. */
  #withRoom(candidates: readonly Candidate[], digest: Digest): readonly Candidate[] {
    if (candidates.length < candidatesMax) return candidates;
    const doubtful = candidates.find(({ publishers }) => publishers.size <= 1);
    if (!doubtful) throw new StorageFullError(`Cannot keep more torrents of ${digest}`);
    this.#forget(doubtful.metainfo);
    return candidates.filter((candidate) => candidate !== doubtful);
  }

  #forget(metainfo: Metainfo): void {
    this.#digests.delete(metainfo.infoHash);
    this.#keeper?.drop(metainfo.infoHash);
  }
}

function sizeOf(candidates: readonly Candidate[]): number {
  return candidates.reduce(
    (bytes, { metainfo }) => bytes + metainfo.pieceHashes.byteLength + overheadBytes,
    0,
  );
}
