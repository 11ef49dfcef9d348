import type { Mount } from "../ports/snapshot-store.ts";
import { mappingOptions } from "./id-mapping.ts";
import type { SnapshotFolders } from "./snapshot-folders.ts";
import type { StoredSnapshot } from "./stored-snapshot.ts";

/** What {@link overlayMounts} goes by, apart from the snapshot. */
export interface OverlayMountOptions {
  /** All below it, nearest first. */
  readonly parents: readonly StoredSnapshot[];
  readonly folders: Pick<SnapshotFolders, "files" | "work">;
  /** Of every overlay mount. */
  readonly overlayOptions: readonly string[];
  /** Whether the kernel is to map ids, where a snapshot's labels say how. */
  readonly remapIds: boolean;
}

/**
 * The mounts of an active snapshot or a view: overlayfs where there is something to lay
 * over something else, a bind mount where there is one folder only.
 *
 * containerd finds `upperdir=` and `lowerdir=` in an only overlay mount, and unpacks a layer
 * into them without mounting.
 *
 * @see containerd plugins/snapshots/overlay/overlay.go
 */
export function overlayMounts(
  { id, record }: StoredSnapshot,
  { parents, folders, overlayOptions, remapIds }: OverlayMountOptions,
): readonly Mount[] {
  const mapping = remapIds ? mappingOptions(record.labels) : [];
  const isView = record.kind === "view";
  const [nearest] = parents;
  if (!nearest) return [bind(folders.files(id), [...mapping, isView ? "ro" : "rw"])];
  if (isView && parents.length === 1) return [bind(folders.files(nearest.id), [...mapping, "ro"])];
  const upper = isView ? [] : [`workdir=${folders.work(id)}`, `upperdir=${folders.files(id)}`];
  const lower = `lowerdir=${parents.map((parent) => folders.files(parent.id)).join(":")}`;
  const options = [...mapping, ...upper, lower, ...overlayOptions];
  return [{ type: "overlay", source: "overlay", options }];
}

function bind(source: string, options: readonly string[]): Mount {
  return { type: "bind", source, options: [...options, "rbind"] };
}
