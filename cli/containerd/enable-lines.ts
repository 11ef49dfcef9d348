import { FailedPreconditionError } from "../../core/errors.ts";
import {
  type ContainerdConfig,
  localContentPlugin,
  parseContainerdConfig,
  topLevelKey,
} from "./containerd-config.ts";
import { renderOwnBlock } from "./own-block.ts";
import { type TomlStatement, parseTomlStringArray } from "./toml-scanner.ts";

/** Our name among the proxy plugins. */
export const proxyPluginId = "shoal";

/** What containerd is to be told. */
export interface EnableOptions {
  /** Absolute path of the content proxy's socket. */
  readonly socket: string;
  /** Newest version of the configuration that the containerd reads. */
  readonly configVersionMax: number;
}

/** The whole file for a containerd that has none. */
export function newContainerdConfig({ socket, configVersionMax }: EnableOptions): string {
  const lines = [
    `version = ${configVersionMax}`,
    `disabled_plugins = [${JSON.stringify(localContentPlugin)}]`,
    "",
    ...proxyPluginLines(socket),
  ];
  return renderOwnBlock({ lines, replaced: "", afterNoLineBreak: false }, "\n");
}

/**
 * A configuration (without lines of ours) in which containerd takes its content from the
 * socket. All lines but those about that stay byte for byte.
 *
 * @throws {FailedPreconditionError} when the file says something that only a person can
 *   decide about: another content store, our name in use, a version of its own.
 * @throws {InvalidArgumentError} when it is no TOML.
 */
export function enabledContainerdConfig(text: string, options: EnableOptions): string {
  const lineBreak = text.includes("\r\n") ? "\r\n" : "\n";
  const afterNoLineBreak = text !== "" && !text.endsWith("\n");
  const whole = afterNoLineBreak ? text + lineBreak : text;
  const config = parseContainerdConfig(whole);
  refuseConflicts(config, options);
  const lines = proxyPluginLines(options.socket);
  return (
    withLocalStoreDisabled(whole, config, lineBreak) +
    renderOwnBlock({ lines, replaced: "", afterNoLineBreak }, lineBreak)
  );
}

function proxyPluginLines(socket: string): string[] {
  return [
    `[proxy_plugins.${proxyPluginId}]`,
    '  type = "content"',
    `  address = ${JSON.stringify(socket)}`,
  ];
}

function refuseConflicts(
  { statements, version, disabledPlugins, proxyPlugins }: ContainerdConfig,
  { configVersionMax }: EnableOptions,
): void {
  if (version !== undefined && version > configVersionMax) {
    throw conflict(
      `it has version ${version}, and this containerd reads up to ${configVersionMax}`,
    );
  }
  const inline = topLevelKey(statements, "proxy_plugins");
  if (inline) throw conflict("its proxy_plugins stand on one line; write them as tables");
  for (const { id, type } of proxyPlugins) {
    if (id === proxyPluginId)
      throw conflict(`it has a proxy plugin ${JSON.stringify(id)} that is not ours`);
    if (type === "content") {
      throw conflict(
        `proxy plugin ${JSON.stringify(id)} is a content store too, and there can be one only`,
      );
    }
  }
  if (version === undefined || version < 2) refuseVersion1(statements, disabledPlugins);
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
  throw conflict(
    "it has version 1, which cannot name the content store; " +
      "bring it to version 2 first (`containerd config dump` prints it so)",
  );
}

/** Disables containerd's own store, and brings the simple version 1 to version 2. */
function withLocalStoreDisabled(text: string, config: ContainerdConfig, lineBreak: string): string {
  const { statements, version, disabledPlugins } = config;
  const isVersion1 = (version ?? 1) < 2;
  if (disabledPlugins.includes(localContentPlugin) && !isVersion1) return text;
  const statement = topLevelKey(statements, "disabled_plugins");
  const lines = [
    ...(isVersion1 ? ["version = 2"] : []),
    ...(statement ? disabledWith(text, statement, isVersion1) : [onlyDisabled]),
  ];
  // A key of the top must stand before the first table; behind the version it is well placed.
  const start = statement?.start ?? topLevelKey(statements, "version")?.end ?? startOf(text);
  const end = statement?.end ?? start;
  const replaced = text.slice(start, end);
  const block = renderOwnBlock({ lines, replaced, afterNoLineBreak: false }, lineBreak);
  return text.slice(0, start) + block + text.slice(end);
}

/** Behind the mark that some editors put first. */
function startOf(text: string): number {
  return text.startsWith("\ufeff") ? 1 : 0;
}

const onlyDisabled = `disabled_plugins = [${JSON.stringify(localContentPlugin)}]`;

/** The lines of the statement with our entry at the end of its array. */
function disabledWith(text: string, statement: TomlStatement, isVersion1: boolean): string[] {
  const names = parseTomlStringArray(statement.value);
  if (!names) throw conflict("its disabled_plugins are not a list of names");
  if (isVersion1) {
    return [
      `disabled_plugins = ${JSON.stringify([...names.map(version2Name), localContentPlugin])}`,
    ];
  }
  const valueEnd = statement.valueStart + statement.value.length;
  const before = text.slice(statement.start, valueEnd - 1);
  const after = text.slice(valueEnd - 1, statement.end);
  return linesOf(insertEntry(before, names.length) + after);
}

/** Puts our entry behind the last one, which may stand before a comma or a comment. */
function insertEntry(before: string, count: number): string {
  const entry = JSON.stringify(localContentPlugin);
  if (!before.includes("\n")) {
    const list = before.trimEnd();
    const separator = count === 0 ? "" : list.endsWith(",") ? " " : ", ";
    return `${list}${separator}${entry}`;
  }
  // In a list over several lines the entries before may end with comments, so ours comes
  // first, where the bracket opens.
  return before.replace("[", `[${entry}${count === 0 ? "" : ", "}`);
}

function version2Name(name: string): string {
  return name === "cri" ? "io.containerd.grpc.v1.cri" : name;
}

function linesOf(text: string): string[] {
  return text.replace(/\r?\n$/, "").split(/\r?\n/);
}

function conflict(why: string): FailedPreconditionError {
  return new FailedPreconditionError(`Cannot change containerd's configuration: ${why}`);
}
