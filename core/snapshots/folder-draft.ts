import assert from "node:assert/strict";

import { SnapshotExistsError } from "../errors.ts";
import type { Labels } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { DiskUsage } from "../ports/layer-unpacker.ts";
import type { LayerDraft, SnapshotRecord } from "../ports/snapshot-store.ts";
import type { SnapshotFolders } from "./snapshot-folders.ts";
import type { SnapshotTable } from "./snapshot-table.ts";
import type { ContentState, StoredSnapshot } from "./stored-snapshot.ts";
import { withholdReleased } from "./unsynced-snapshots.ts";

/** What a {@link FolderDraft} works with. */
export interface FolderDraftDeps {
  readonly id: number;
  readonly table: SnapshotTable;
  readonly folders: SnapshotFolders;
  readonly clock: Clock;
  /** What is true of files that were just written. */
  readonly content: ContentState;
  /** Called when it is a snapshot. */
  readonly onCommitted: (snapshot: StoredSnapshot) => void;
}

/** A folder beside those of the snapshots, which becomes one by being renamed. */
export class FolderDraft implements LayerDraft {
  readonly path: string;
  readonly #deps: FolderDraftDeps;
  #isOver = false;
  #publishing: Promise<unknown> = Promise.resolve();

  constructor(deps: FolderDraftDeps) {
    this.#deps = deps;
    this.path = deps.folders.draftFiles(deps.id);
  }

  async commit({
    usage,
    ...snapshot
  }: {
    readonly name: string;
    readonly parent?: string;
    readonly labels: Labels;
    readonly usage: DiskUsage;
  }): Promise<SnapshotRecord> {
    const { id, table, folders, clock } = this.#deps;
    const { name, parent } = snapshot;
    return table.exclusive([name], async () => {
      table.hold(parent);
      try {
        if (table.find(name)) throw new SnapshotExistsError(name);
        const [nearest] = table.chain(parent);
        if (nearest) await folders.inheritOwner(id, nearest.id);
        const now = clock.now();
        const times = { createdAt: now, updatedAt: now };
        return await this.#publish({ ...snapshot, kind: "committed", ...times }, usage);
      } catch (error) {
        table.release(parent);
        throw error;
      }
    });
  }

  async replace(name: string, { usage }: { readonly usage: DiskUsage }): Promise<SnapshotRecord> {
    const { id: draftId, table, folders, content } = this.#deps;
    return table.exclusive([name], async () => {
      const former = table.getCommitted(name);
      const { id, record } = former;
      const putBack = withholdReleased(table, former, content.bootId);
      try {
        await folders.inheritOwner(draftId, id);
        await this.#publish(record, usage);
      } catch (error) {
        putBack();
        throw error;
      }
      // Until here the next start finds two of that name, and takes the later one.
      await folders.remove(id);
      return record;
    });
  }

  async discard(): Promise<void> {
    await this.#publishing.catch(() => undefined);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deps.folders.discardDraft(this.#deps.id);
  }

  async #publish(record: SnapshotRecord, usage: DiskUsage): Promise<SnapshotRecord> {
    assert.ok(!this.#isOver, "a draft is published once");
    const { id, table, folders, content, onCommitted } = this.#deps;
    const snapshot = { id, record, usage, content };
    this.#publishing = folders.publishDraft(snapshot);
    await this.#publishing;
    this.#isOver = true;
    table.put(snapshot);
    onCommitted(snapshot);
    return record;
  }
}
