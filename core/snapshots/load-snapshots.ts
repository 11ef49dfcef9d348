import { readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { temporarySuffix } from "../disk/durable-file.ts";
import type { Logger } from "../ports/logger.ts";
import type { RemovalQueue } from "./removal-queue.ts";
import { type SnapshotLayout, folderParts, parseFolderName } from "./snapshot-layout.ts";
import { readSnapshot } from "./snapshot-record-file.ts";
import type { SnapshotTable } from "./snapshot-table.ts";
import type { StoredSnapshot } from "./stored-snapshot.ts";

/** What {@link loadSnapshots} works with. */
export interface LoadSnapshotsDeps {
  readonly layout: SnapshotLayout;
  readonly table: SnapshotTable;
  readonly removals: RemovalQueue;
  readonly logger: Logger;
}

/**
 * Fills the table from what is on disk, and has deleted what a process left that was killed.
 *
 * What cannot be used, because its record or its parent is lost, is set aside for people to
 * look at: in a container's snapshot may be the only copy of something.
 */
export function loadSnapshots(deps: LoadSnapshotsDeps): void {
  const found = new Map<string, StoredSnapshot>();
  for (const snapshot of readFolders(deps)) {
    const { name } = snapshot.record;
    const other = found.get(name);
    // The later one was made to replace the other, which was to be removed next.
    const [kept, replaced] =
      other && other.id > snapshot.id ? [other, snapshot] : [snapshot, other];
    found.set(name, kept);
    if (replaced) removeFolder(deps, replaced.id);
  }
  const loaded = new Set<string>();
  for (const snapshot of found.values()) load(snapshot, { found, loaded, deps });
}

function* readFolders(deps: LoadSnapshotsDeps): Iterable<StoredSnapshot> {
  const { layout, table, removals } = deps;
  for (const name of readdirSync(layout.folder)) {
    const folder = parseFolderName(name);
    if (!folder) continue;
    table.noteId(folder.id);
    if (folder.stage === "snapshot") {
      const snapshot = readFolder(layout, folder.id);
      if (snapshot) yield snapshot;
      else setAside(deps, folder.id);
    } else if (folder.stage !== "damaged") removals.add(join(layout.folder, name));
  }
}

function readFolder(layout: SnapshotLayout, id: number): StoredSnapshot | undefined {
  const folder = layout.snapshot(id);
  const record = join(folder, folderParts.record);
  rmSync(record + temporarySuffix, { force: true });
  const files = statSync(join(folder, folderParts.files), { throwIfNoEntry: false });
  return files?.isDirectory() === true ? readSnapshot(record, id) : undefined;
}

interface LoadOptions {
  readonly found: Map<string, StoredSnapshot>;
  /** Names that are in the table, or of which is being found out whether they can be. */
  readonly loaded: Set<string>;
  readonly deps: LoadSnapshotsDeps;
}

/** Puts a snapshot into the table, after its parent. */
function load(start: StoredSnapshot, { found, loaded, deps }: LoadOptions): void {
  const chain: StoredSnapshot[] = [];
  for (let next: StoredSnapshot | undefined = start; next; next = parentOf(next, found)) {
    if (loaded.has(next.record.name)) break;
    loaded.add(next.record.name);
    chain.push(next);
  }
  for (const snapshot of chain.reverse()) {
    const { parent, name } = snapshot.record;
    const isUsable = parent === undefined || deps.table.find(parent)?.record.kind === "committed";
    if (isUsable) {
      deps.table.hold(parent);
      deps.table.put(snapshot);
    } else {
      found.delete(name);
      setAside(deps, snapshot.id);
    }
  }
}

function parentOf(
  { record }: StoredSnapshot,
  found: ReadonlyMap<string, StoredSnapshot>,
): StoredSnapshot | undefined {
  return record.parent === undefined ? undefined : found.get(record.parent);
}

function removeFolder({ layout, removals }: LoadSnapshotsDeps, id: number): void {
  const removed = layout.staged("removed", id);
  renameSync(layout.snapshot(id), removed);
  removals.add(removed);
}

function setAside({ layout, logger }: LoadSnapshotsDeps, id: number): void {
  const path = layout.staged("damaged", id);
  renameSync(layout.snapshot(id), path);
  logger.error("set a damaged snapshot aside", { path });
}
