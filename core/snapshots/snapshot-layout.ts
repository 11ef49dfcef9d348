import { join } from "node:path";

import { makeFolder } from "../disk/make-folder.ts";

/** The folder of a snapshot: an id that is a number which JavaScript can count. */
const idPattern = /^[1-9]\d{0,14}$/;

/** Folders that are no snapshots: being made, being filled, thrown away, unreadable. */
const stagePattern = /^(new|draft|removed|damaged)-([1-9]\d{0,14})$/;

/** What a folder of the store that is no snapshot is. */
export type FolderStage = "new" | "draft" | "removed" | "damaged";

/** What the name of a folder in the store says. */
export type FolderName =
  | { readonly stage: "snapshot"; readonly id: number }
  | { readonly stage: FolderStage; readonly id: number };

/**
 * Where things are in a store's root.
 *
 * Each snapshot has a folder of its own, with its files in `fs/`, the work folder of overlayfs
 * in `work/`, and `snapshot.json`. All are side by side under short names, because the names of
 * all layers of an image have to fit into the options of one mount: containerd gives the kernel
 * what they have in common by changing into it.
 */
export class SnapshotLayout {
  /** Holds all folders. */
  readonly folder: string;
  /** Says which process has the store open. */
  readonly lock: string;

  constructor(root: string) {
    this.folder = join(root, "v1");
    this.lock = join(this.folder, "lock");
  }

  /** Makes the folders that are missing. Files of images are for nobody but root. */
  create(): void {
    makeFolder(this.folder, { mode: 0o700 });
  }

  snapshot(id: number): string {
    return join(this.folder, String(id));
  }

  /** Where a folder is while it is no snapshot. */
  staged(stage: FolderStage, id: number): string {
    return join(this.folder, `${stage}-${id}`);
  }
}

/** What is in the folder of a snapshot. */
export const folderParts = { files: "fs", work: "work", record: "snapshot.json" } as const;

/** Reads the name of a folder; `undefined` for what is none of ours. */
export function parseFolderName(name: string): FolderName | undefined {
  if (idPattern.test(name)) return { stage: "snapshot", id: Number(name) };
  const [, stage, id] = stagePattern.exec(name) ?? [];
  if (!isStage(stage)) return undefined;
  return { stage, id: Number(id) };
}

function isStage(text: string | undefined): text is FolderStage {
  return text === "new" || text === "draft" || text === "removed" || text === "damaged";
}
