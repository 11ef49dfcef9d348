import type { Digest } from "../digest.ts";
import type { GrowingTorrent } from "../growing-torrent.ts";
import type { PeerAddress } from "../peer-address.ts";
import type { Credential } from "../credential.ts";
import type { Cancellable } from "./cancellable.ts";
import type { Repository } from "./origin.ts";

/** A blob that nobody in the swarm has, and where it may be had from. */
export interface ColdBlob {
  readonly digest: Digest;
  /** Length in bytes, where a manifest told it. */
  readonly size?: number | undefined;
  readonly mediaType?: string | undefined;
  /** Repositories to ask, the likeliest first; may be empty: the seeder may know it, too. */
  readonly from: readonly Repository[];
  /** Value of an `Authorization` header for the registry, for this one fetch. */
  readonly authorization?: Credential | undefined;
}

/**
 * Up to this many bytes a blob that a seeder has comes with its answer: manifests and configs are
 * smaller, a pull waits for each of them, and to find peers for one takes longer than to have it.
 */
export const coldContentLengthMax = 256 * 1024;

/** What the responsible seeder makes of a {@link ColdBlob}. */
export type ColdAnswer =
  /** It has all of it: the directory knows its torrent. */
  | {
      readonly state: "whole";
      readonly size: number;
      /** The blob itself, checked, where it is small. */
      readonly content?: Uint8Array;
    }
  /** It is receiving it. */
  | {
      readonly state: "arriving";
      readonly size: number;
      readonly torrent: GrowingTorrent;
      readonly peers: readonly PeerAddress[];
      /** URLs that serve the blob by HTTP with Range while it arrives. */
      readonly webSeeds: readonly string[];
    };

/** Asks seeders to get blobs from registries: each blob once for the whole cluster. */
export interface ColdSource {
  /**
   * Asks the seeder that is responsible for the digest (rendezvous hash over those configured),
   * and the next ones where it cannot be reached. `undefined` when there is no seeder, or none
   * that can be reached within the adapter's bound.
   *
   * @throws {BlobNotFoundError} when no repository has it.
   * @throws {AccessDeniedError} when the registry refuses.
   * @throws {UnavailableError} when the registry cannot be reached, or the seeder has no room or
   *   gives another blob.
   */
  fetch(blob: ColdBlob, options: Cancellable): Promise<ColdAnswer | undefined>;
}
