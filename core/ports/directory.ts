import type { Digest } from "../digest.ts";
import type { Metainfo } from "../metainfo.ts";
import type { PeerAddress } from "../peer-address.ts";
import type { Cancellable } from "./cancellable.ts";

/** Who answered, and what: not yet checked against the blob's bytes. */
export interface DirectoryEntry {
  readonly metainfo: Metainfo;
  /** Peers that the answering service knows, seeders first; may be empty. */
  readonly peers: readonly PeerAddress[];
  /** URLs that serve the blob by HTTP with Range (BEP 19); only from configured seeders. */
  readonly webSeeds: readonly string[];
}

/** Tells which torrent a digest is: trackers and seeders answer it over the same HTTP route. */
export interface Directory {
  /**
   * Asks all services at once and gives the first good answer; `undefined` when
   * every service that is up says that it knows nothing. Services that are down or
   * slow cost no time beyond the directory's own bound.
   *
   * Metainfo with an info hash in `refused` (it turned out to be wrong) is not given.
   */
  lookup(
    digest: Digest,
    options: Cancellable & { readonly refused?: ReadonlySet<string> },
  ): Promise<DirectoryEntry | undefined>;

  /** Tells all services of a blob that we hold whole. Failures are retried, never thrown. */
  publish(metainfo: Metainfo): void;
}
