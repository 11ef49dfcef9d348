import { chmod, lchown, lstat, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { replaceFile, sync } from "../disk/durable-file.ts";
import { type PromptReplacement, replaceFilePromptly } from "../disk/prompt-replacement.ts";
import { systemCodeOf } from "../disk/storage-error.ts";
import type { RemovalQueue } from "./removal-queue.ts";
import type { SnapshotLayout } from "./snapshot-layout.ts";
import { folderParts } from "./snapshot-layout.ts";
import { encodeSnapshot } from "./snapshot-record-file.ts";
import type { StoredSnapshot } from "./stored-snapshot.ts";

/**
 * How long a commit waits for the disk, in milliseconds. All of containerd waits with it, so this
 * is what a pull may cost others; a disk that is not overloaded takes some milliseconds.
 */
const commitBoundMs = 1000;

/** Who a file belongs to. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The folders of snapshots on disk.
 *
 * A folder gets its name as a snapshot when it and its record are complete, and loses it
 * before anything in it is deleted. So a folder with such a name is a snapshot, and every
 * other one is none, whenever the process ends.
 */
export class SnapshotFolders {
  readonly #layout: SnapshotLayout;
  readonly #removals: RemovalQueue;

  constructor(deps: { readonly layout: SnapshotLayout; readonly removals: RemovalQueue }) {
    this.#layout = deps.layout;
    this.#removals = deps.removals;
  }

  /** Makes the folder of a new snapshot; on disk when it resolves. On failure nothing is left. */
  async create(snapshot: StoredSnapshot, owner: FileOwner | undefined): Promise<void> {
    const { id, record } = snapshot;
    const staged = this.#layout.staged("new", id);
    try {
      await makeFolder(staged, owner);
      // overlayfs wants it on the same file system as the files.
      if (record.kind === "active") await mkdir(join(staged, folderParts.work), { mode: 0o711 });
      await this.#publish(staged, snapshot);
    } catch (error) {
      this.#removals.add(staged);
      throw error;
    }
  }

  /** Replaces what is known of a snapshot; on disk when it resolves. */
  async save(snapshot: StoredSnapshot): Promise<void> {
    const folder = this.#layout.snapshot(snapshot.id);
    const content = encodeSnapshot(snapshot);
    await replaceFile(join(folder, folderParts.record), content, { durable: true });
    await sync(folder);
  }

  /** As {@link save}, but on disk later if the disk is slow. The end of the process loses nothing. */
  async saveSoon(snapshot: StoredSnapshot): Promise<PromptReplacement> {
    const record = join(this.#layout.snapshot(snapshot.id), folderParts.record);
    return replaceFilePromptly(record, encodeSnapshot(snapshot), { boundMs: commitBoundMs });
  }

  /**
   * Takes a snapshot away in one step, on disk when it resolves; its files go later. One whose
   * folder somebody has deleted is away.
   */
  async remove(id: number): Promise<void> {
    const removed = this.#layout.staged("removed", id);
    try {
      await rename(this.#layout.snapshot(id), removed);
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return;
      throw error;
    }
    this.#removals.add(removed);
    // From the rename on it is gone. What a power cut brings back, containerd, which does not
    // know of it, removes again.
    await sync(this.#layout.folder).catch(() => undefined);
  }

  /** Makes a folder that is no snapshot yet. A power cut may take it. */
  async createDraft(id: number): Promise<void> {
    const staged = this.#layout.staged("draft", id);
    try {
      await makeFolder(staged, undefined);
    } catch (error) {
      this.#removals.add(staged);
      throw error;
    }
  }

  /** Makes the draft with the id of the snapshot one; on failure it is still a draft. */
  async publishDraft(snapshot: StoredSnapshot): Promise<void> {
    await this.#publish(this.#layout.staged("draft", snapshot.id), snapshot);
  }

  /** Gives the root of a draft to who has that of a snapshot, as {@link create} does. */
  async inheritOwner(draftId: number, id: number): Promise<void> {
    const { uid, gid } = await this.ownerOf(id);
    await lchown(this.draftFiles(draftId), uid, gid);
  }

  discardDraft(id: number): void {
    this.#removals.add(this.#layout.staged("draft", id));
  }

  draftFiles(id: number): string {
    return join(this.#layout.staged("draft", id), folderParts.files);
  }

  /** Where the files of a snapshot are. */
  files(id: number): string {
    return join(this.#layout.snapshot(id), folderParts.files);
  }

  work(id: number): string {
    return join(this.#layout.snapshot(id), folderParts.work);
  }

  /** Who the root of a snapshot belongs to. */
  async ownerOf(id: number): Promise<FileOwner> {
    const { uid, gid } = await lstat(this.files(id));
    return { uid, gid };
  }

  async #publish(staged: string, snapshot: StoredSnapshot): Promise<void> {
    const record = join(staged, folderParts.record);
    await writeFile(record, encodeSnapshot(snapshot), { flush: true });
    await sync(staged);
    const target = this.#layout.snapshot(snapshot.id);
    await rename(staged, target);
    try {
      await sync(this.#layout.folder);
    } catch (error) {
      await rename(target, staged);
      throw error;
    }
  }
}

/**
 * Modes and owner are those of containerd's overlay snapshotter: what the root of a layer
 * below has for a mode is not taken over, its owner is.
 */
async function makeFolder(path: string, owner: FileOwner | undefined): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  const files = join(path, folderParts.files);
  await mkdir(files);
  // Not left to the umask of the process.
  await chmod(files, 0o755);
  if (owner) await lchown(files, owner.uid, owner.gid);
}
