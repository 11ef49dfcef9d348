import type { Labels } from "./blob-store.ts";
import type { DiskUsage } from "./layer-unpacker.ts";

/** As containerd has it: a committed one may be a parent, an active one is written to. */
export type SnapshotKind = "view" | "active" | "committed";

/** What is known of a snapshot without touching its directory. */
export interface SnapshotRecord {
  /** The key of an active snapshot or view, the name of a committed one: one space of names. */
  readonly name: string;
  readonly parent?: string;
  readonly kind: SnapshotKind;
  /** Nanoseconds since the Unix epoch. */
  readonly createdAt: bigint;
  readonly updatedAt: bigint;
  readonly labels: Labels;
}

/** One mount, as mount(2) and containerd's API have it. */
export interface Mount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** What a new snapshot is made on. */
export interface PrepareOptions {
  /** Name of a committed snapshot; `undefined` for none. */
  readonly parent?: string;
  readonly labels: Labels;
}

/** A directory that becomes a committed snapshot, or is thrown away. Nobody sees it before. */
export interface LayerDraft {
  /** An empty directory that holds what the layer adds. */
  readonly path: string;

  /**
   * Publishes the directory as a committed snapshot, durably. The draft is gone then.
   *
   * @throws {SnapshotExistsError} when the name is taken: the draft is kept.
   * @throws {SnapshotNotFoundError} when the parent is not there.
   * @throws {InvalidArgumentError} when the parent is not committed.
   */
  commit(snapshot: {
    readonly name: string;
    readonly parent?: string;
    readonly labels: Labels;
    readonly usage: DiskUsage;
  }): Promise<SnapshotRecord>;

  /**
   * Gives its directory to a committed snapshot in the place of the one that it has, whose
   * content may be lost; name, parent, labels and children stay. The draft is gone then.
   * Of the former directory nothing may be mounted.
   *
   * @throws {SnapshotNotFoundError}, {InvalidArgumentError} when it is not committed,
   *   {FailedPreconditionError} when it was released as it is and has children.
   */
  replace(name: string, content: { readonly usage: DiskUsage }): Promise<SnapshotRecord>;

  /** Deletes it. Idempotent; nothing after a commit. */
  discard(): Promise<void>;
}

/**
 * The snapshots of this machine: directories that overlay mounts are made of.
 *
 * Names and codes are containerd's (reference: core/snapshots/snapshotter.go and the overlay
 * snapshotter). Every change is on disk when its promise resolves, but for a commit's.
 */
export interface SnapshotStore extends AsyncDisposable {
  /** The record, from memory. */
  find(name: string): SnapshotRecord | undefined;

  /** All records, in no order; they may come and go while it is iterated. */
  records(): Iterable<SnapshotRecord>;

  /**
   * Makes an active snapshot and gives its mounts.
   *
   * @throws {SnapshotExistsError} {SnapshotNotFoundError} for a missing parent,
   *   {InvalidArgumentError} for a parent that is not committed, {StorageFullError}
   */
  prepare(key: string, options: PrepareOptions): Promise<readonly Mount[]>;

  /** Makes a view, which cannot be written or committed. @throws as {@link prepare} */
  view(key: string, options: PrepareOptions): Promise<readonly Mount[]>;

  /** @throws {SnapshotNotFoundError}, {FailedPreconditionError} for a committed snapshot. */
  mounts(key: string): readonly Mount[];

  /**
   * Makes an active snapshot a committed one, with these labels and no other. Waits for the disk
   * for a second at most: a power cut may undo it while that has more to do, though it was told.
   *
   * @throws {SnapshotNotFoundError}, {SnapshotExistsError}, {FailedPreconditionError} for
   *   what is not active, {InvalidArgumentError} for another parent than it was made on.
   */
  commit(
    name: string,
    options: { readonly key: string; readonly parent?: string; readonly labels: Labels },
  ): Promise<SnapshotRecord>;

  /** @throws {SnapshotNotFoundError}, {FailedPreconditionError} while it has children. */
  remove(name: string): Promise<void>;

  /** Replaces the labels. @throws {SnapshotNotFoundError} */
  label(name: string, labels: Labels): Promise<SnapshotRecord>;

  /** Its own disk usage without its parents': stored of a committed one, else counted. @throws {SnapshotNotFoundError} */
  usage(name: string): Promise<DiskUsage>;

  /** Deletes directories that no snapshot has any more. */
  cleanup(): Promise<void>;

  /** The directories that a committed snapshot is mounted of, nearest first. @throws {SnapshotNotFoundError} */
  layerPaths(name: string): readonly string[];

  /** @throws {StorageFullError} */
  createDraft(): Promise<LayerDraft>;

  /**
   * Committed snapshots whose files may be lost or empty: the machine went down before they
   * were on disk. Their records are right. One is told of until it is replaced, removed, or
   * released.
   */
  unsyncedAfterCrash(): Iterable<SnapshotRecord>;

  /**
   * Lets a snapshot of which {@link unsyncedAfterCrash} tells be used as it is until the machine
   * starts again: its directory is not replaced from under a mount. Nothing for any other.
   */
  releaseUnsynced(name: string): Promise<void>;

  /** Whether a snapshot was released as it is, files of it may be lost, and nothing is made on it. */
  isReplaceable(name: string): boolean;
}
