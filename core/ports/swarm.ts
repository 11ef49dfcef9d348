import type { ByteRange } from "../byte-range.ts";
import type { Digest } from "../digest.ts";
import type { GrowingTorrent } from "../growing-torrent.ts";
import type { InfoHash } from "../info-hash.ts";
import type { Metainfo } from "../metainfo.ts";
import type { PeerAddress } from "../peer-address.ts";
import type { Cancellable } from "./cancellable.ts";

/** A whole, checked blob on disk that is offered to peers. */
export interface SeededBlob {
  readonly digest: Digest;
  readonly infoHash: InfoHash;
  readonly size: number;
  readonly path: string;
  /** Reads its metainfo; asked for at most once per burst of interest. */
  metainfo(): Promise<Metainfo>;
}

/** A blob that is still being written, and the first pieces of which are offered to peers. */
export interface GrowingBlob {
  readonly digest: Digest;
  /** Length in bytes of the whole blob. */
  readonly size: number;
  /** The file, which is held open as soon as the engine comes to it: it may be moved then. */
  readonly path: string;
  /** Where it is looked for when it was moved before that. */
  readonly movedTo?: string;
}

/**
 * A {@link GrowingBlob} that is offered. Dispose of it to leave its swarm: once whole, the blob
 * is offered by {@link Swarm.seed}. Peers that still fetch what was grown are served on, for a
 * bounded time; they need not be waited for.
 */
export interface GrowingSeed extends AsyncDisposable {
  /**
   * Offers the next pieces, which can be read from the file: 20 bytes for each, the first call's
   * for the first pieces.
   *
   * @throws {InvalidArgumentError} when that is no list of hashes, or one of more pieces than the
   *   blob has.
   */
  grow(pieceHashes: Uint8Array): void;
}

/** Reads a blob from an offset to its end, in chunks of any length. */
export type OpenTail = (
  options: Cancellable & { readonly start: number },
) => AsyncIterable<Uint8Array>;

/** A blob to get. */
export interface WantedBlob {
  /** Its torrent. A growing one's hashes are read, and read on, for as long as it is not whole. */
  readonly torrent: Metainfo | GrowingTorrent;
  /** An existing file of the blob's size. Pieces that are already in it and right are kept. */
  readonly path: string;
  /** Peers and web seeds known so far; more come from the trackers. */
  readonly peers: readonly PeerAddress[];
  readonly webSeeds: readonly string[];
  /**
   * Reads it from where it came from in the first place. Asked while nobody in the swarm
   * gives anything, one part after the other; what it gives is checked as all else is.
   */
  readonly origin?: OpenTail;
  /** Nobody waits for it: where bytes are limited others go first, until {@link Download.hasten}. */
  readonly isAhead?: boolean;
}

/** Bytes by kind of giver. */
export interface BytesReceived {
  /** From peers that are ordinary nodes. */
  readonly peers: number;
  /** From peers that say they are dedicated seeders. */
  readonly seeders: number;
  /** By HTTP from web seeds. */
  readonly webSeeds: number;
  /** From where the blob came from in the first place. */
  readonly origin: number;
}

/**
 * A download under way. It goes on until it is whole, fails, or is disposed of;
 * afterwards the file stays and, once whole, is not seeded by itself: the owner
 * moves it to its place and calls {@link Swarm.seed}.
 */
export interface Download extends AsyncDisposable {
  /** Its metainfo. That of a growing torrent is `undefined` until {@link whole} has resolved. */
  readonly metainfo: Metainfo | undefined;

  /** End of the run of checked bytes on disk that contains `offset`; `offset` when it is missing. */
  availableEnd(offset: number): number;

  /**
   * Resolves when the bytes are checked and can be read from the file, and fetches
   * their pieces before others.
   *
   * @throws {UnavailableError} when nobody gave a piece for the stall bound, though the hash of
   *   a missing one was known, or when no hash was told for so long.
   */
  ready(range: ByteRange, options: Cancellable): Promise<void>;

  /** Somebody waits for it from now on, as for one whose bytes somebody wants by {@link ready}. */
  hasten(): void;

  /**
   * Resolves with true as soon as sources that hold the whole blob are connected,
   * with false when none is found within the signal's or the swarm's own bound. Of a
   * growing torrent the dedicated seeder that receives the blob vouches for all of it: when it is
   * connected, or when it tells hashes and any peer is connected.
   */
  hasGoodSource(options: Cancellable): Promise<boolean>;

  /**
   * Resolves when every piece is checked, the sha256 of the file is the digest, and
   * its data is on disk (fdatasync).
   *
   * @throws {DigestMismatchError} when the metainfo lied: the pieces fit, the blob does not.
   * @throws {MetainfoError} when the metainfo lied, or the origin: its bytes do not fit; when
   *   what a seeder tells of a growing torrent are no hashes of its pieces.
   * @throws {UnavailableError} when no source gave anything for the stall bound.
   * @throws {StorageFullError}
   */
  whole(): Promise<void>;

  /**
   * Bytes that nodes and web seeds gave so far, of pieces that are whole or not, a moment ago: a
   * sign of life and no more, for nobody checked them, and some come twice.
   */
  readonly bytesGiven: number;

  /** Bytes of checked pieces, and who gave them. */
  readonly bytesDone: number;
  readonly received: BytesReceived;
}

/** One swarm, for people to look at. */
export interface SwarmStatus {
  readonly infoHash: InfoHash;
  readonly digest: Digest;
  readonly size: number;
  readonly bytesDone: number;
  readonly peers: number;
  readonly uploadedBytes: number;
  readonly received: BytesReceived;
}

/** How often somebody was not served, for others were: of one blob so many are at once. */
export interface PlaceRefusals {
  /** Times that a node came to us and found no place. */
  readonly given: number;
  /** Times that we came to one and found none. */
  readonly met: number;
}

/** Our side of the swarms: gets blobs, and gives the ones we hold. */
export interface Swarm extends AsyncDisposable {
  /** Port on which peers reach us. */
  readonly port: number;

  /** Bytes that were given to peers since the start, also in swarms that were left. */
  readonly uploadedBytes: number;

  /** Since the start, as far as it was told a moment ago. */
  readonly refusals: PlaceRefusals;

  /** Offers a blob to peers and announces it. Dispose of the result to withdraw it. */
  seed(blob: SeededBlob): AsyncDisposable;

  /**
   * Offers the pieces of a blob that is being received, in the swarm of its growing torrent: each
   * to one peer first, who passes it on.
   */
  seedGrowing(blob: GrowingBlob): GrowingSeed;

  /** Starts to get a blob, and gives its pieces to others as they arrive. */
  download(blob: WantedBlob): Download;

  status(): readonly SwarmStatus[];
}
