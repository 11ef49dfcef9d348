import type { ByteRange } from "../byte-range.ts";
import type { Digest } from "../digest.ts";
import type { InfoHash } from "../info-hash.ts";
import type { Metainfo } from "../metainfo.ts";
import type { Cancellable } from "./cancellable.ts";

/**
 * How a blob came to this machine. `pull`: from a registry or the swarm, so it can
 * be had again and may be offered to peers. `local`: built, imported, loaded, or
 * found in a store that was not ours; it is only here and nobody else's business.
 */
export type BlobProvenance = "pull" | "local";

/** Labels of a blob, as containerd's content API has them. */
export type Labels = Readonly<Record<string, string>>;

/** What is known of a blob without touching its bytes. */
export interface BlobRecord {
  readonly digest: Digest;
  /** Length in bytes. */
  readonly size: number;
  /** Nanoseconds since the Unix epoch. */
  readonly createdAt: bigint;
  readonly updatedAt: bigint;
  readonly labels: Labels;
  readonly provenance: BlobProvenance;
  /** containerd was told that it exists and has not deleted it. */
  readonly owned: boolean;
  /** All bytes are on disk and were checked. False while a promised blob arrives. */
  readonly whole: boolean;
  /** Set once the metainfo of the blob is kept beside it. */
  readonly infoHash?: InfoHash;
}

/** An open blob file. Good until disposed of, also when the blob is deleted meanwhile. */
export interface BlobFile extends AsyncDisposable {
  readonly fd: number;
  readonly size: number;
}

/** Looks at committed blobs. An ingest under way is not visible here. */
export interface BlobReader {
  /** The record, from memory; `undefined` when no such blob is known. */
  find(digest: Digest): BlobRecord | undefined;

  /** All records, in no order. Blobs may come and go while it is iterated. */
  records(): Iterable<BlobRecord>;

  /**
   * A file descriptor owned by the store, for a read that ends before the caller
   * returns to the event loop; `undefined` when the blob is not whole.
   */
  descriptorOf(digest: Digest): BlobFileDescriptor | undefined;

  /**
   * Where the file of a whole blob is, for another thread to open.
   *
   * @throws {BlobNotFoundError} when it is not known or not whole.
   */
  pathOf(digest: Digest): string;

  /** Where the file of a blob will be once it is whole, whether it is known by now or not. */
  placeOf(digest: Digest): string;

  /** @throws {BlobNotFoundError} when it is not known or not whole. */
  open(digest: Digest): Promise<BlobFile>;

  /**
   * Reads a part of a whole blob, in chunks of at most 1 MiB. Chunks are the caller's.
   *
   * @throws {BlobNotFoundError} on the first pull.
   */
  read(digest: Digest, range: ByteRange, options: Cancellable): AsyncIterable<Uint8Array>;

  /**
   * The metainfo kept beside a blob, read from disk.
   *
   * @throws {BlobNotFoundError} when none is kept.
   */
  metainfo(digest: Digest): Promise<Metainfo>;
}

/** An fd and how far it may be read. */
export interface BlobFileDescriptor {
  readonly fd: number;
  readonly size: number;
}

/** The state of an ingest, as containerd's `Status` shows it. */
export interface IngestStatus {
  readonly ref: string;
  /** Bytes that were taken so far. */
  readonly offset: number;
  /** Bytes that the blob will have; 0 when not known. */
  readonly total: number;
  readonly startedAt: bigint;
  readonly updatedAt: bigint;
}

/** How to finish an ingest. */
export interface CommitOptions {
  /** Checked when given; else the blob is stored under the digest that was computed. */
  readonly expected?: Digest;
  /** Checked when above 0. */
  readonly size: number;
  readonly labels: Labels;
  readonly provenance: BlobProvenance;
  readonly owned: boolean;
}

/** A blob that is being written. Its holder has the ref for itself until it closes. */
export interface Ingest {
  readonly status: IngestStatus;

  /**
   * The file with the bytes so far, for others to read along; `undefined` before the first
   * one. A commit moves it: who has it open then reads on.
   */
  readonly path: string | undefined;

  /**
   * SHA-1 of the pieces that are here to their end, from piece `start` on, 20 bytes each;
   * none where the size was not known before the first byte.
   */
  finishedPieces(start: number): Uint8Array;

  /** Notes the size to expect. Hashes of pieces are made only if it is known before the first byte. */
  expect(total: number): void;

  /**
   * Appends bytes. They are hashed as they pass.
   *
   * @param options `onTaken`: told each time when more of them can be read from the file, which
   *   is before they are on disk for good.
   * @throws {StorageFullError} with the bytes before this call kept.
   * @throws {DataLossError} when fewer bytes reached the file, and when the disk failed as it was
   *   waited for: the ingest is empty then.
   */
  write(chunk: Uint8Array, options?: { readonly onTaken?: () => void }): Promise<void>;

  /** Starts over at offset 0. */
  truncate(): Promise<void>;

  /** The sha256 digest of the bytes so far. */
  digest(): Digest;

  /**
   * Makes the hashes of pieces of a blob whose bytes are all here, where they could not be made
   * as the bytes passed because nobody knew how many would come: reads the bytes again.
   *
   * @throws the signal's reason
   */
  hashPieces(options: Cancellable): Promise<void>;

  /**
   * Does in advance what {@link commit} would wait for, if the bytes so far are the blob
   * `expected` of a pull; else nothing. The blob is there then as one that is only cached,
   * and the ingest, too, until it is committed. No bytes can be added after that.
   *
   * @throws {StorageFullError}
   */
  prepare(expected: Digest): Promise<void>;

  /**
   * Makes the bytes a blob: on disk when it resolves, metainfo kept beside it if the
   * size was known. The ingest is gone then. If the blob was there but not owned it
   * becomes owned and its bytes stay.
   *
   * @throws {BlobSizeError} and {DigestMismatchError}: the ingest is kept.
   * @throws {BlobExistsError} when an owned blob has that digest: the ingest is gone.
   */
  commit(options: CommitOptions): Promise<BlobRecord>;

  /** Whether it still is in the store, and held: not aborted, committed or closed. */
  readonly isOpen: boolean;

  /** Deletes it, if {@link isOpen}: never what another writer began under the same ref. */
  abort(): Promise<void>;

  /** Lets go of the ref; the bytes stay for a later writer. Idempotent. */
  close(): Promise<void>;
}

/** Takes blobs in, byte by byte. */
export interface BlobWriter {
  /**
   * Opens or resumes an ingest. A stored total that differs from a positive
   * `total` discards the old bytes.
   *
   * @throws {RefLockedError} while somebody else has it open, or it cannot be resumed yet.
   * @throws {InvalidArgumentError} when `ref` is empty or longer than a file can hold it.
   */
  openIngest(ref: string, options: { readonly total: number }): Promise<Ingest>;

  /** @throws {IngestNotFoundError} */
  ingestStatus(ref: string): IngestStatus;

  ingests(): Iterable<IngestStatus>;

  /**
   * Sees that a whole blob would survive a power cut where it is, also one that is only cached:
   * for who promises somebody to have it. Nothing to do for one that is not here whole.
   *
   * @throws {StorageFullError}
   */
  settle(digest: Digest): Promise<void>;

  /** Deletes an ingest, open or not; a writer that has it open fails at its next call. Idempotent. */
  abortIngest(ref: string): Promise<void>;
}

/** A blob whose piece hashes come later: nobody has all of it yet. */
export type UndescribedBlob = Pick<BlobRecord, "digest" | "size">;

/** A file in the store that somebody else fills, in any order. */
export interface ArrivingFile {
  readonly digest: Digest;
  /** An existing file of `size` bytes (sparse); a restart finds what was written before. */
  readonly path: string;
}

/** Takes blobs in whose bytes arrive out of order. */
export interface BlobArrivals {
  /**
   * Makes (or finds again) the file for an arriving blob, and keeps its metainfo if that is
   * known. Without it a restart finds the file only if the blob was promised.
   *
   * @throws {StorageFullError} when the disk has not that much free space, and {@link
   *   BlobManager.whenFull} did not make it.
   * @throws {BlobExistsError} when the blob is here whole.
   * @throws {BlobSizeError} when it was promised with another size.
   */
  arrive(blob: Metainfo | UndescribedBlob): Promise<ArrivingFile>;

  /**
   * Makes a blob that is still arriving visible, durably: `owned`, not `whole`. One that
   * is cached becomes owned.
   *
   * @throws {BlobExistsError} when an owned blob has that digest.
   * @throws {BlobNotFoundError} when it is neither here nor arriving.
   * @throws {BlobSizeError} when what arrives has another size.
   */
  promise(digest: Digest, size: number): Promise<BlobRecord>;

  /**
   * Takes a promise back: a blob that is still arriving is not visible any more, and goes on
   * to arrive. Nothing changes for one that is whole or unknown. Idempotent.
   */
  unpromise(digest: Digest): Promise<void>;

  /**
   * Publishes an arriving file whose digest was checked and whose data is on disk
   * (fdatasync). The blob is `whole`; `owned` only if it was promised.
   *
   * @param metainfo Kept beside it from now on, if it is not the one that it arrived by.
   * @throws {BlobNotFoundError} when it is not arriving.
   */
  arrived(digest: Digest, metainfo?: Metainfo): Promise<BlobRecord>;

  /**
   * Throws away an arriving file; a promised blob loses its record too. Its space is free
   * soon. Idempotent.
   */
  discard(digest: Digest): Promise<void>;

  /** Blobs that were arriving when the store was opened, for their download to go on. */
  arriving(): Iterable<Digest>;
}

/** How much fits on a disk. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Changes blobs that are there. */
export interface BlobManager {
  /** What there is of the disk, which others may use as well. */
  space(): Promise<DiskSpace>;

  /** Has `makeRoom` called for so many bytes before the store says that the disk is full. */
  whenFull(makeRoom: (bytes: number) => Promise<unknown>): void;

  /** Replaces the labels of an owned blob. @throws {BlobNotFoundError} */
  label(digest: Digest, labels: Labels): Promise<BlobRecord>;

  /**
   * Gives a whole blob that was only cached to containerd again, as if it were new.
   *
   * @throws {BlobNotFoundError} when it is not here whole.
   * @throws {BlobExistsError} when it is owned.
   */
  own(digest: Digest, labels: Labels): Promise<BlobRecord>;

  /**
   * Does in advance what {@link own} or {@link BlobArrivals.promise} would wait for, if the
   * blob is here or arriving; else nothing. Nobody sees a change. After a crash the blob may
   * be owned; containerd, which does not know of it, then deletes it.
   *
   * @throws {StorageFullError}
   */
  anticipate(digest: Digest): Promise<void>;

  /**
   * containerd does not need it any more: a `pull` blob stays as cached, a `local`
   * one is deleted, as is any on a disk too full to note it. Idempotent.
   */
  disown(digest: Digest): Promise<void>;

  /**
   * Deletes a whole blob that is only cached, with its record and metainfo; open files stay
   * readable. False when it is not here, or became owned while the caller made up its mind.
   */
  evict(digest: Digest): Promise<boolean>;
}

/** The blobs on this machine. */
export interface BlobStore
  extends BlobReader, BlobWriter, BlobArrivals, BlobManager, AsyncDisposable {}
