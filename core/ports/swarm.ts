import type { ByteRange } from "../byte-range.ts";
import type { Digest } from "../digest.ts";
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

/** Reads a blob from an offset to its end, in chunks of any length. */
export type OpenTail = (
  options: Cancellable & { readonly start: number },
) => AsyncIterable<Uint8Array>;

/** A blob to get. */
export interface WantedBlob {
  readonly metainfo: Metainfo;
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
  readonly metainfo: Metainfo;

  /** End of the run of checked bytes on disk that contains `offset`; `offset` when it is missing. */
  availableEnd(offset: number): number;

  /**
   * Resolves when the bytes are checked and can be read from the file, and fetches
   * their pieces before others.
   *
   * @throws {UnavailableError} when nobody gave a piece for the stall bound.
   */
  ready(range: ByteRange, options: Cancellable): Promise<void>;

  /**
   * Resolves with true as soon as sources that hold the whole blob are connected,
   * with false when none is found within the signal's or the swarm's own bound.
   */
  hasGoodSource(options: Cancellable): Promise<boolean>;

  /**
   * Resolves when every piece is checked, the sha256 of the file is the digest, and
   * its data is on disk (fdatasync).
   *
   * @throws {DigestMismatchError} when the metainfo lied: the pieces fit, the blob does not.
   * @throws {MetainfoError} when the metainfo lied, or the origin: its bytes do not fit.
   * @throws {UnavailableError} when no source gave anything for the stall bound.
   * @throws {StorageFullError}
   */
  whole(): Promise<void>;

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

/** Our side of the swarms: gets blobs, and gives the ones we hold. */
export interface Swarm extends AsyncDisposable {
  /** Port on which peers reach us. */
  readonly port: number;

  /** Offers a blob to peers and announces it. Dispose of the result to withdraw it. */
  seed(blob: SeededBlob): AsyncDisposable;

  /** Starts to get a blob, and gives its pieces to others as they arrive. */
  download(blob: WantedBlob): Download;

  status(): readonly SwarmStatus[];
}
