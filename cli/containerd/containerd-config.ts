import {
  type TomlStatement,
  parseTomlString,
  parseTomlStringArray,
  scanToml,
} from "./toml-scanner.ts";

/** What containerd calls its own content store. Two stores exclude each other. */
export const localContentPlugin = "io.containerd.content.v1.content";

/** A `[proxy_plugins.<id>]` of the configuration. */
export interface ProxyPlugin {
  readonly id: string;
  readonly type: string | undefined;
  readonly address: string | undefined;
}

/** What of containerd's configuration matters here. */
export interface ContainerdConfig {
  readonly statements: readonly TomlStatement[];
  /** The number that the file says; `undefined` means 1. */
  readonly version: number | undefined;
  readonly disabledPlugins: readonly string[];
  readonly proxyPlugins: readonly ProxyPlugin[];
  /** Patterns of further files. */
  readonly imports: readonly string[];
}

/**
 * Reads containerd's configuration.
 *
 * @throws {InvalidArgumentError} when it is no TOML.
 */
export function parseContainerdConfig(text: string): ContainerdConfig {
  const statements = scanToml(text);
  const version = Number(valueOf(statements, "version"));
  return {
    statements,
    version: Number.isInteger(version) ? version : undefined,
    disabledPlugins: parseTomlStringArray(valueOf(statements, "disabled_plugins") ?? "") ?? [],
    proxyPlugins: proxyPluginsIn(statements),
    imports: parseTomlStringArray(valueOf(statements, "imports") ?? "") ?? [],
  };
}

/** The statement that gives a top-level key its value. */
export function topLevelKey(
  statements: readonly TomlStatement[],
  key: string,
): TomlStatement | undefined {
  return statements.find(
    ({ kind, path }) => kind === "key" && path.length === 1 && path[0] === key,
  );
}

function valueOf(statements: readonly TomlStatement[], key: string): string | undefined {
  return topLevelKey(statements, key)?.value;
}

function proxyPluginsIn(statements: readonly TomlStatement[]): ProxyPlugin[] {
  const ids = new Set(
    statements.flatMap(({ path: [top, id] }) => (top === "proxy_plugins" && id ? [id] : [])),
  );
  return [...ids].map((id) => ({
    id,
    type: proxyPluginValue(statements, id, "type"),
    address: proxyPluginValue(statements, id, "address"),
  }));
}

function proxyPluginValue(
  statements: readonly TomlStatement[],
  id: string,
  key: string,
): string | undefined {
  const statement = statements.find(
    ({ kind, path }) =>
      kind === "key" &&
      path.length === 3 &&
      path[0] === "proxy_plugins" &&
      path[1] === id &&
      path[2] === key,
  );
  if (statement) return parseTomlString(statement.value);
  const inline = statements.find(
    ({ kind, path }) =>
      kind === "key" && path.length === 2 && path[0] === "proxy_plugins" && path[1] === id,
  );
  const match = new RegExp(`\\b${key}\\s*=\\s*("[^"]*"|'[^']*')`).exec(inline?.value ?? "");
  return match?.[1] === undefined ? undefined : parseTomlString(match[1]);
}
