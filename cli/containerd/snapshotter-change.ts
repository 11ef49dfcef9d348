import {
  type ConfigChange,
  changedKeys,
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

/** How the containerd pulls that is to unpack with our snapshotter. */
export interface PullingContainerd {
  /**
   * Whether its CRI pulls by itself: then a key of the CRI says if a snapshotter is told which
   * image a layer is pulled for. Where the transfer service pulls for it, the same key has the
   * CRI pull by itself again.
   */
  readonly criPulls: boolean;
}

/**
 * Has pulls unpack with our snapshotter: those of the CRI by default, those of the
 * transfer service when they ask for it. containerd 1.6 has no such service and does not
 * mind its table.
 *
 * @throws {FailedPreconditionError} when the file says something that only a person can
 *   decide about.
 */
export function snapshotterChange(
  text: string,
  config: ContainerdConfig,
  containerd: PullingContainerd,
): ConfigChange {
  return joined([criChange(text, config, containerd), unpackChange(text, config)]);
}

function criChange(
  text: string,
  config: ContainerdConfig,
  { criPulls }: PullingContainerd,
): ConfigChange {
  const { statements, criSnapshotter = "" } = config;
  if (!["", defaultSnapshotter, snapshotterId].includes(criSnapshotter)) {
    throw configConflict(
      `its CRI uses the snapshotter ${JSON.stringify(criSnapshotter)}; ` +
        "take that out first if images are to be unpacked by us",
    );
  }
  const table = criImagesTable(config.version);
  const annotations = criPulls ? { disable_snapshot_annotations: false } : {};
  const values = { snapshotter: snapshotterId, ...annotations };
  return changedKeys(text, statements, { table, values });
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
