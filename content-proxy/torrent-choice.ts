import type { Digest } from "../core/digest.ts";
import { BlobNotFoundError } from "../core/errors.ts";
import type { Metainfo } from "../core/metainfo.ts";
import type { BlobReader } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { DirectoryEntry } from "../core/ports/directory.ts";
import type { BlobLookup } from "./blob-lookup.ts";
import type { LastResort } from "./last-resort.ts";

/** How often a blob is read from its origin as a whole, only to describe it. */
const describeIntervalMs = 300_000;

/** What a {@link TorrentChoice} works with. */
export interface TorrentChoiceDeps {
  readonly store: Pick<BlobReader, "metainfo">;
  readonly lookup: BlobLookup;
  readonly lastResort?: Pick<LastResort, "describe"> | undefined;
  /** Base URLs of the seeders of this cluster, for blobs that only a tracker named. */
  readonly webSeedsOf: (digest: Digest) => readonly string[];
}

/** By which torrent a blob is fetched, and from whom. */
export interface ChosenTorrent extends DirectoryEntry {
  /** A seeder of this cluster, which has checked the blob, named it. */
  readonly isVouchedFor: boolean;
}

/**
 * Chooses the torrent by which one blob is fetched. A promised blob has more ways than
 * the directory: what was known when it was promised, and what its origin makes of it.
 */
export class TorrentChoice {
  readonly #deps: TorrentChoiceDeps;
  readonly #digest: Digest;
  readonly #size: number;
  /** Made of the blob itself. */
  #described: Metainfo | undefined;
  #describeAtMs = -Infinity;

  constructor(deps: TorrentChoiceDeps, blob: { readonly digest: Digest; readonly size: number }) {
    this.#deps = deps;
    this.#digest = blob.digest;
    this.#size = blob.size;
  }

  /** @throws {BlobNotFoundError} when there is none, and what the origin says of a promised blob. */
  async choose({
    promised,
    signal,
  }: Cancellable & { readonly promised: boolean }): Promise<ChosenTorrent> {
    const { webSeedsOf } = this.#deps;
    const entry = await this.#inDirectory({ signal });
    const metainfo =
      entry?.metainfo ??
      (promised ? ((await this.#kept()) ?? (await this.#describe({ signal }))) : undefined);
    if (!metainfo) throw new BlobNotFoundError(this.#digest);
    const webSeeds = new Set([...(entry?.webSeeds ?? []), ...webSeedsOf(this.#digest)]);
    return {
      metainfo,
      peers: entry?.peers ?? [],
      webSeeds: [...webSeeds],
      // Only configured seeders name web seeds.
      isVouchedFor: entry !== undefined && entry.webSeeds.length > 0,
    };
  }

  /** The torrent turned out not to be the blob. */
  refuse({ infoHash }: Metainfo): void {
    this.#deps.lookup.refuse(this.#digest, infoHash);
    if (this.#described?.infoHash === infoHash) this.#described = undefined;
  }

  async #inDirectory({ signal }: Cancellable): Promise<DirectoryEntry | undefined> {
    const entry = await this.#deps.lookup.find(this.#digest, { size: this.#size, signal });
    if (!this.#described || entry?.metainfo.infoHash === this.#described.infoHash) return entry;
    return { metainfo: this.#described, peers: [], webSeeds: [] };
  }

  async #kept(): Promise<Metainfo | undefined> {
    const metainfo = await this.#deps.store.metainfo(this.#digest).catch(() => undefined);
    if (metainfo?.layout.size !== this.#size) return undefined;
    return this.#deps.lookup.isRefused(this.#digest, metainfo.infoHash) ? undefined : metainfo;
  }

  async #describe({ signal }: Cancellable): Promise<Metainfo | undefined> {
    const nowMs = performance.now();
    if (nowMs < this.#describeAtMs) return undefined;
    this.#describeAtMs = nowMs + describeIntervalMs;
    const blob = { digest: this.#digest, size: this.#size };
    this.#described = await this.#deps.lastResort?.describe(blob, { signal });
    return this.#described;
  }
}
