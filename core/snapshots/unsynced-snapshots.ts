import { FailedPreconditionError } from "../errors.ts";
import type { SnapshotRecord } from "../ports/snapshot-store.ts";
import type { SnapshotFolders } from "./snapshot-folders.ts";
import type { SnapshotTable } from "./snapshot-table.ts";
import type { ContentState, StoredSnapshot } from "./stored-snapshot.ts";

/** What {@link UnsyncedSnapshots} works with. */
export interface UnsyncedSnapshotsDeps {
  readonly table: SnapshotTable;
  readonly folders: Pick<SnapshotFolders, "save">;
  /** The present start of the machine. */
  readonly bootId: string;
}

/** The committed snapshots whose files may be lost, and which of them are in use all the same. */
export class UnsyncedSnapshots {
  readonly #deps: UnsyncedSnapshotsDeps;

  constructor(deps: UnsyncedSnapshotsDeps) {
    this.#deps = deps;
  }

  /** Those that nobody uses until they are restored. */
  *withheld(): Iterable<SnapshotRecord> {
    const { table, bootId } = this.#deps;
    for (const { record, content } of table.values()) {
      if (isLost(content, bootId) && content?.releasedIn !== bootId) yield record;
    }
  }

  /** Whether a committed snapshot is to be synced, which nothing mends after a crash, or counted. */
  isUnsettled({ record, content, usage }: StoredSnapshot): boolean {
    const isUnsynced = content?.synced === false && content.bootId === this.#deps.bootId;
    return isUnsynced || (record.kind === "committed" && !usage);
  }

  /** As {@link SnapshotStore.releaseUnsynced} */
  async release(name: string): Promise<void> {
    const { table, folders, bootId } = this.#deps;
    await table.exclusive([name], async () => {
      const snapshot = table.find(name);
      if (!snapshot?.content || !isLost(snapshot.content, bootId)) return;
      const released = { ...snapshot, content: { ...snapshot.content, releasedIn: bootId } };
      await folders.save(released);
      table.put(released);
    });
  }

  /** As {@link SnapshotStore.isReplaceable} */
  isReplaceable(name: string): boolean {
    const { table, bootId } = this.#deps;
    return isReleased(table.find(name), bootId) && !table.hasChildren(name);
  }
}

/**
 * Takes a snapshot that was released out of the table before its folder is replaced, so that
 * nothing is made on it meanwhile; leaves any other in it.
 *
 * @returns What puts it back when it could not be replaced.
 * @throws {FailedPreconditionError} when its folder may be mounted.
 */
export function withholdReleased(
  table: SnapshotTable,
  snapshot: StoredSnapshot,
  bootId: string,
): () => void {
  if (!isReleased(snapshot, bootId)) return () => undefined;
  const { name } = snapshot.record;
  if (table.hasChildren(name)) {
    const quoted = JSON.stringify(name);
    throw new FailedPreconditionError(`Cannot replace snapshot ${quoted}: it has children`);
  }
  table.delete(name);
  return () => {
    if (!table.find(name)) table.put(snapshot);
  };
}

function isLost(content: ContentState | undefined, bootId: string): boolean {
  return content?.synced === false && content.bootId !== bootId;
}

function isReleased(snapshot: StoredSnapshot | undefined, bootId: string): boolean {
  const content = snapshot?.content;
  return isLost(content, bootId) && content?.releasedIn === bootId;
}
