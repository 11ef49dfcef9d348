import type { ByteRange } from "../core/byte-range.ts";
import type { Digest } from "../core/digest.ts";
import type { BlobFile, BlobRecord, Labels } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";

/** What containerd's ref says about the blob that it is about to fetch. */
export interface PulledBlob {
  readonly digest: Digest;
  /** Length in bytes, above 0. */
  readonly size: number;
  /** First word of containerd's ref key. */
  readonly kind: "manifest" | "index" | "layer" | "config" | "attestation" | "unknown";
}

/** Where the bytes of a blob are, for a read that ends before the event loop goes on. */
export interface LocatedBlob {
  /** Owned by whoever located it. */
  readonly fd: number;
  /** Length of the blob in bytes. */
  readonly size: number;
  /** The bytes from the offset asked for up to here are on disk and checked. */
  readonly availableEnd: number;
}

/**
 * Gets blobs for containerd from somewhere else than the registry, and passes on what
 * containerd got itself. The rpc handlers see nothing of swarms but this.
 */
export interface BlobFetcher {
  /**
   * Answers the second STAT of an ingest: with a hold when the blob is here whole, or is
   * arriving from sources that are good for all of it; else with `undefined`. Outside every
   * lock, so it may take its time; its own bound holds beside the signal. The blob can be
   * committed until the hold is disposed of.
   */
  obtain(blob: PulledBlob, options: Cancellable): Promise<Disposable | undefined>;

  /**
   * Makes an obtained blob containerd's own, durably and without waiting for its bytes.
   *
   * @param expected What containerd was told of it; one of another length is not it.
   * @throws {BlobExistsError} when containerd owns it already.
   * @throws {BlobNotFoundError} when it was not obtained, or was lost since.
   */
  commit(digest: Digest, labels: Labels, expected?: { readonly size: number }): Promise<BlobRecord>;

  /** containerd wrote all bytes of a pull and is about to COMMIT: they must stay until then. */
  expectCommit(digest: Digest): void;

  /** Bytes of an arriving blob so far; `undefined` when it is not arriving. */
  progressOf(digest: Digest): number | undefined;

  /** Tells of a blob that containerd wrote by a pull: it is offered to the swarm. */
  written(record: BlobRecord, kind: PulledBlob["kind"]): void;

  /** @throws {BlobNotFoundError} and {OffsetError} as Read does. */
  locate(digest: Digest, offset: number): LocatedBlob | undefined;

  /** A blob that is here whole, to read on in it when it is deleted; else `undefined`. */
  open(digest: Digest): Promise<BlobFile | undefined>;

  /**
   * Reads a blob that containerd owns, waiting for bytes that are still to come.
   *
   * @throws {BlobNotFoundError} when containerd does not own it.
   * @throws {OffsetError} when `range.start` is past the end.
   * @throws {UnavailableError} when the bytes can be had nowhere.
   */
  read(digest: Digest, range: ByteRange, options: Cancellable): AsyncIterable<Uint8Array>;

  /** containerd deleted the blob: it may stay as cached, or its download ends. */
  disown(digest: Digest): Promise<void>;
}
