import type { Digest } from "../digest.ts";
import type { Cancellable } from "./cancellable.ts";

/** The file that holds the bytes of a layer, which may still be filled from its start on. */
export interface LayerFile {
  /** Open for reading, shared by all threads; the caller's, and good until the unpack is over. */
  readonly fd: number;
  /** Length of the whole blob in bytes. */
  readonly size: number;

  /**
   * Waits until the byte at `offset` is on disk and checked, and gives the end of the run of
   * such bytes that it is in: at once when it is there already.
   *
   * @throws {UnavailableError} when the bytes can be had nowhere.
   */
  availableEnd(offset: number, options: Cancellable): Promise<number>;
}

/** One layer, and where it goes. */
export interface UnpackOrder {
  /** Digest of the blob, for logs and errors. */
  readonly digest: Digest;
  /** As the manifest says; tells the compression, unless the bytes say otherwise. */
  readonly mediaType: string;
  /** Digest of the tar stream, which is checked. */
  readonly diffId: Digest;
  readonly file: LayerFile;
  /** An existing, empty directory; on failure what is in it is half-made and the caller's to delete. */
  readonly into: string;
  /**
   * There is nothing below it: whiteouts then remove what the layer itself has, and leave no
   * mark, as containerd's do.
   */
  readonly isLowest?: boolean;
  /** Called now and then, with counts from the start of the layer. */
  readonly onProgress?: (progress: UnpackProgress) => void;
}

/** How far an unpack is. */
export interface UnpackProgress {
  /** Compressed bytes that were taken. */
  readonly bytesRead: number;
  /** Bytes of file content that were written. */
  readonly bytesWritten: number;
  readonly entries: number;
}

/** What disk usage a tree has, as `du` counts it: hard links once. */
export interface DiskUsage {
  /** Bytes of the blocks that are taken. */
  readonly size: number;
  readonly inodes: number;
}

/** A layer that is on disk in overlay form and whose diffID was right. */
export interface UnpackedLayer {
  readonly usage: DiskUsage;
  /**
   * Directories that no entry of the layer describes, relative to its root, each before those
   * in it: they take mode, owner, times and xattrs of the same directory in the layers below.
   */
  readonly impliedDirectories: readonly string[];
}

/** Unpacks layers into directories, several at once, off the thread of its caller. */
export interface LayerUnpacker extends AsyncDisposable {
  /**
   * Unpacks one layer as containerd's overlay snapshotter has it: whiteouts are devices 0:0,
   * opaque directories have the overlay xattr. Takes bytes as they come.
   *
   * @throws {LayerFormatError} when it is no tar, is cut off, leaves its directory, or is more
   *   than the limits allow.
   * @throws {DigestMismatchError} when its diffID is another.
   * @throws {StorageFullError}
   * @throws {UnavailableError} when its bytes cannot be had.
   */
  unpack(order: UnpackOrder, options: Cancellable): Promise<UnpackedLayer>;

  /**
   * Gives implied directories of an unpacked layer what they take from the layers below,
   * `parents` (their directories, nearest first), once these are complete.
   */
  inherit(
    layer: Pick<UnpackedLayer, "impliedDirectories"> & { readonly path: string },
    parents: readonly string[],
  ): Promise<void>;
}
