import type { DiskUsage } from "../ports/layer-unpacker.ts";
import type { SnapshotRecord } from "../ports/snapshot-store.ts";

/** Whether the files of a committed snapshot are on disk, and not only on their way there. */
export interface ContentState {
  readonly synced: boolean;
  /** The start of the machine in which they were written. */
  readonly bootId: string;
  /**
   * The start of the machine in which they were used although they may be lost. Until the next
   * one their folder may be mounted.
   */
  readonly releasedIn?: string;
}

/** All that the store knows of a snapshot. */
export interface StoredSnapshot {
  /** Names its folder; greater than that of all that were made before. */
  readonly id: number;
  readonly record: SnapshotRecord;
  /** Of a committed one, once it was counted. */
  readonly usage?: DiskUsage;
  /** Of a committed one. */
  readonly content?: ContentState;
}
