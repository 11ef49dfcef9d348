import {
  type ConfigChange,
  changedKey,
  edited,
  joined,
  unchanged,
  withValue,
} from "./config-change.ts";
import { configConflict } from "./config-conflict.ts";
import { type ContainerdConfig, criImagesTable, unpackPath } from "./containerd-config.ts";
import { keyAt, refuseClosedTable, startsWith, tableName } from "./toml-table.ts";

/** Our name among containerd's snapshotters. */
export const snapshotterId = "shoal-overlay";

/** containerd's own, for images that are pulled without the CRI. */
const defaultSnapshotter = "overlayfs";

/**
 * Lines that name the snapshot service. containerd 2.1 and newer tell a snapshotter which
 * image a layer is pulled for if its exports say so. `rebase` is no capability of ours: we
 * commit in Prepare.
 */
export function snapshotterPluginLines(socket: string, root: string): string[] {
  return [
    `[proxy_plugins.${snapshotterId}]`,
    '  type = "snapshot"',
    `  address = ${JSON.stringify(socket)}`,
    `  [proxy_plugins.${snapshotterId}.exports]`,
    `    root = ${JSON.stringify(root)}`,
    '    enable_remote_snapshot_annotations = "true"',
  ];
}

/**
 * Has pulls unpack with our snapshotter: those of the CRI by default, those of the
 * transfer service when they ask for it. containerd 1.6 has no such service and does not
 * mind its table.
 *
 * @throws {FailedPreconditionError} when the file says something that only a person can
 *   decide about.
 */
export function snapshotterChange(text: string, config: ContainerdConfig): ConfigChange {
  return joined([criChange(text, config), unpackChange(text, config)]);
}

function criChange(text: string, config: ContainerdConfig): ConfigChange {
  const { statements, criSnapshotter } = config;
  if (criSnapshotter === snapshotterId) return unchanged;
  if (criSnapshotter !== undefined && !["", defaultSnapshotter].includes(criSnapshotter)) {
    throw configConflict(
      `its CRI uses the snapshotter ${JSON.stringify(criSnapshotter)}; ` +
        "take that out first if images are to be unpacked by us",
    );
  }
  const table = criImagesTable(config.version);
  return changedKey(text, statements, { table, key: "snapshotter", value: snapshotterId });
}

/** A list of the file's own takes the place of containerd's, in which overlayfs is. */
function unpackChange(text: string, { statements, unpackSnapshotters }: ContainerdConfig) {
  if (unpackSnapshotters?.includes(snapshotterId)) return unchanged;
  const list = keyAt(statements, unpackPath);
  if (list) {
    if (!list.value.startsWith("[")) throw configConflict("its unpack_config is no list");
    const entry = `{ ${unpackEntry(snapshotterId).join(", ")} }`;
    const value = `[${entry}, ${list.value.slice(1).trimStart()}`;
    return edited({ ...list, lines: withValue(text, list, value) });
  }
  refuseClosedTable(statements, unpackPath.slice(0, -1));
  const hasList = statements.some(({ path }) => startsWith(path, unpackPath));
  const names = hasList ? [snapshotterId] : [defaultSnapshotter, snapshotterId];
  const lines = names.flatMap((name) => [
    `[[${tableName(unpackPath)}]]`,
    ...unpackEntry(name).map((entry) => `  ${entry}`),
  ]);
  return { edits: [], lines };
}

/** With its differ: a containerd that has several for the platform takes one by chance. */
function unpackEntry(snapshotter: string): string[] {
  return [
    'platform = "linux"',
    `snapshotter = ${JSON.stringify(snapshotter)}`,
    'differ = "walking"',
  ];
}
