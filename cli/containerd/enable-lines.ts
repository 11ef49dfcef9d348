import { type ConfigChange, joined, unchanged } from "./config-change.ts";
import { configConflict } from "./config-conflict.ts";
import {
  type ContainerdConfig,
  localContentPlugin,
  parseContainerdConfig,
  topLevelKey,
} from "./containerd-config.ts";
import { disabledPluginsEdit } from "./disabled-plugins-edit.ts";
import { mirrorChange } from "./mirror-change.ts";
import { renderOwnBlock } from "./own-block.ts";
import { withOwnEdits } from "./own-edits.ts";
import {
  type PullingContainerd,
  snapshotterChange,
  snapshotterId,
  snapshotterPluginLines,
} from "./snapshotter-change.ts";
import type { TomlStatement } from "./toml-scanner.ts";

/** Our name among the proxy plugins. */
export const proxyPluginId = "shoal";

/** What containerd is to be told. */
export interface EnableOptions extends PullingContainerd {
  /** Absolute path of the content proxy's socket, if it is to take the content store's place. */
  readonly socket?: string | undefined;
  /** Where the content proxy keeps snapshots, if it is to unpack layers too; with a socket only. */
  readonly snapshotsRoot?: string | undefined;
  /**
   * Folders, with colons between them, of the `hosts.toml` files that name the mirror, if it
   * is to be asked. They are for where containerd has no such folders yet.
   */
  readonly hostsPath?: string | undefined;
  /** Newest version of the configuration that the containerd reads. */
  readonly configVersionMax: number;
}

/** The whole file for a containerd that has none. */
export function newContainerdConfig(options: EnableOptions): string {
  const version = `version = ${options.configVersionMax}`;
  const lines = [
    version,
    ...(options.socket === undefined
      ? []
      : [`disabled_plugins = [${JSON.stringify(localContentPlugin)}]`]),
    "",
    ...proxyPluginLines(options),
    ...partsChange(version, parseContainerdConfig(version), options).lines,
  ];
  return renderOwnBlock({ lines, replaced: "", afterNoLineBreak: false }, "\n");
}

/** What is to be done for the mirror and the snapshotter. */
function partsChange(text: string, config: ContainerdConfig, options: EnableOptions): ConfigChange {
  const { snapshotsRoot, hostsPath } = options;
  return joined([
    hostsPath === undefined ? unchanged : mirrorChange(text, config, { hostsPath }),
    snapshotsRoot === undefined ? unchanged : snapshotterChange(text, config, options),
  ]);
}

/**
 * A configuration (without lines of ours) in which containerd takes its content from the
 * socket, unpacks images there, and reads the files that name the mirror, each if so wanted.
 * All lines but those about that stay byte for byte.
 *
 * @throws {FailedPreconditionError} when the file says something that only a person can
 *   decide about: another content store, a name of ours in use, a version of its own.
 * @throws {InvalidArgumentError} when it is no TOML.
 */
export function enabledContainerdConfig(text: string, options: EnableOptions): string {
  const lineBreak = text.includes("\r\n") ? "\r\n" : "\n";
  const afterNoLineBreak = text !== "" && !text.endsWith("\n");
  const whole = afterNoLineBreak ? text + lineBreak : text;
  const config = parseContainerdConfig(whole);
  refuseConflicts(config, options);
  const parts = partsChange(whole, config, options);
  const withContent = options.socket !== undefined;
  const edits = [...disabledPluginsEdit(whole, config, { withContent }), ...parts.edits];
  const lines = [...proxyPluginLines(options), ...parts.lines];
  if (lines.length === 0 && edits.length === 0) return text;
  const edited = withOwnEdits(whole, edits, { lineBreak });
  // An empty block tells that the line break before it is ours.
  const isEmpty = lines.length === 0 && !afterNoLineBreak;
  return isEmpty
    ? edited
    : edited + renderOwnBlock({ lines, replaced: "", afterNoLineBreak }, lineBreak);
}

function proxyPluginLines({ socket, snapshotsRoot }: EnableOptions): string[] {
  if (socket === undefined) return [];
  return [
    `[proxy_plugins.${proxyPluginId}]`,
    '  type = "content"',
    `  address = ${JSON.stringify(socket)}`,
    ...(snapshotsRoot === undefined ? [] : snapshotterPluginLines(socket, snapshotsRoot)),
  ];
}

function refuseConflicts(
  { statements, version, disabledPlugins, proxyPlugins }: ContainerdConfig,
  { configVersionMax, socket }: EnableOptions,
): void {
  if (version !== undefined && version > configVersionMax) {
    throw configConflict(
      `it has version ${version}, and this containerd reads up to ${configVersionMax}`,
    );
  }
  if (version === undefined || version < 2) refuseVersion1(statements, disabledPlugins);
  if (socket === undefined) return;
  const inline = topLevelKey(statements, "proxy_plugins");
  if (inline) throw configConflict("its proxy_plugins stand on one line; write them as tables");
  for (const { id, type } of proxyPlugins) {
    if (id === proxyPluginId || id === snapshotterId)
      throw configConflict(`it has a proxy plugin ${JSON.stringify(id)} that is not ours`);
    if (type === "content") {
      throw configConflict(
        `proxy plugin ${JSON.stringify(id)} is a content store too, and there can be one only`,
      );
    }
  }
}

/**
 * Version 1 names plugins by their last word, so it cannot disable the content store
 * without the service that passes it on. Only a file that says next to nothing, as
 * Docker's packages bring one, is brought to version 2 here.
 */
function refuseVersion1(
  statements: readonly TomlStatement[],
  disabledPlugins: readonly string[],
): void {
  const isSimple =
    statements.every(({ kind, path }) => kind === "key" && path.length === 1) &&
    !topLevelKey(statements, "version") &&
    disabledPlugins.every((name) => name === "cri");
  if (isSimple) return;
  throw configConflict(
    "it has version 1, which cannot name the content store; " +
      "bring it to version 2 first (`containerd config dump` prints it so)",
  );
}
