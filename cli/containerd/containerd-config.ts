import {
  type TomlStatement,
  parseTomlString,
  parseTomlStringArray,
  scanToml,
} from "./toml-scanner.ts";
import { keyAt, startsWith } from "./toml-table.ts";

/** What containerd calls its own content store. Two stores exclude each other. */
export const localContentPlugin = "io.containerd.content.v1.content";

/** A `[proxy_plugins.<id>]` of the configuration. */
export interface ProxyPlugin {
  readonly id: string;
  readonly type: string | undefined;
  readonly address: string | undefined;
  /** `root` of its exports: where a snapshotter keeps its files. */
  readonly root: string | undefined;
}

/** Whether a plugin is served at a Unix socket. */
export function isAt({ address }: ProxyPlugin, socket: string): boolean {
  return address?.replace(/^unix:\/\//, "") === socket;
}

/** What of containerd's configuration matters here. */
export interface ContainerdConfig {
  readonly statements: readonly TomlStatement[];
  /** The number that the file says; `undefined` means 1. */
  readonly version: number | undefined;
  readonly disabledPlugins: readonly string[];
  readonly proxyPlugins: readonly ProxyPlugin[];
  /** What the CRI unpacks images with; `undefined` when the file does not say. */
  readonly criSnapshotter: string | undefined;
  /** What the transfer service may unpack images with; `undefined` when the file has no list. */
  readonly unpackSnapshotters: readonly string[] | undefined;
  /** Where the CRI looks for `hosts.toml` files: folders with colons between them. */
  readonly criHostsPath: string | undefined;
  /** Where the transfer service looks for them. */
  readonly transferHostsPath: string | undefined;
  /** Whether the CRI is told of mirrors in the older way, which excludes `hosts.toml` files. */
  readonly hasOldMirrors: boolean;
  /** Root of containerd's own files. */
  readonly root: string;
  /** Patterns of further files. */
  readonly imports: readonly string[];
}

/**
 * Reads containerd's configuration.
 *
 * @param name What errors call it.
 * @throws {InvalidArgumentError} when it is no TOML.
 */
export function parseContainerdConfig(text: string, name?: string): ContainerdConfig {
  const statements = scanToml(text, name);
  const number = Number(valueOf(statements, "version"));
  const version = Number.isInteger(number) ? number : undefined;
  const criSnapshotter = keyAt(statements, [...criImagesTable(version), "snapshotter"]);
  return {
    statements,
    version,
    disabledPlugins: parseTomlStringArray(valueOf(statements, "disabled_plugins") ?? "") ?? [],
    proxyPlugins: proxyPluginsIn(statements),
    criSnapshotter: criSnapshotter && parseTomlString(criSnapshotter.value),
    unpackSnapshotters: unpackSnapshottersIn(statements),
    criHostsPath: stringAt(statements, [...criRegistryTable(version), hostsPathKey]),
    transferHostsPath: stringAt(statements, [...transferTable, hostsPathKey]),
    hasOldMirrors: hasOldMirrors(statements, criRegistryTable(version)),
    root: parseTomlString(valueOf(statements, "root") ?? "") ?? defaultRoot,
    imports: parseTomlStringArray(valueOf(statements, "imports") ?? "") ?? [],
  };
}

/** The table of the CRI that says what images are unpacked with. Version 3 gave it a new place. */
export function criImagesTable(version: number | undefined): readonly string[] {
  return (version ?? 1) < 3
    ? ["plugins", "io.containerd.grpc.v1.cri", "containerd"]
    : ["plugins", "io.containerd.cri.v1.images"];
}

/** The table of the CRI about registries. */
export function criRegistryTable(version: number | undefined): readonly string[] {
  return (version ?? 1) < 3
    ? ["plugins", "io.containerd.grpc.v1.cri", "registry"]
    : ["plugins", "io.containerd.cri.v1.images", "registry"];
}

/** The table of the transfer service. */
export const transferTable: readonly string[] = ["plugins", "io.containerd.transfer.v1.local"];

/** The list of what the transfer service unpacks for. */
export const unpackPath: readonly string[] = [...transferTable, "unpack_config"];

/** What both tables call the folders with `hosts.toml` files. */
export const hostsPathKey = "config_path";

/** Where containerd keeps its files unless it is told otherwise. */
const defaultRoot = "/var/lib/containerd";

/** The statement that gives a top-level key its value. */
export function topLevelKey(
  statements: readonly TomlStatement[],
  key: string,
): TomlStatement | undefined {
  return keyAt(statements, [key]);
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
    type: stringAt(statements, ["proxy_plugins", id, "type"]),
    address: stringAt(statements, ["proxy_plugins", id, "address"]),
    root: stringAt(statements, ["proxy_plugins", id, "exports", "root"]),
  }));
}

/** Empty tables, as `containerd config default` prints them, say nothing. */
function hasOldMirrors(statements: readonly TomlStatement[], table: readonly string[]): boolean {
  const { length } = table;
  return statements.some(({ path, value }) => {
    if (!startsWith(path, table) || value === "{}") return false;
    const [part, , key] = path.slice(length);
    if (part === "mirrors") return path.length > length + 1 || value !== "";
    return part === "configs" && (key === "tls" || value.includes("tls"));
  });
}

function unpackSnapshottersIn(statements: readonly TomlStatement[]): string[] | undefined {
  const inline = keyAt(statements, unpackPath);
  if (inline) return inlineValues(inline.value, "snapshotter");
  if (!statements.some(({ path }) => startsWith(path, unpackPath))) return undefined;
  return statements
    .filter(({ path }) => path.length === unpackPath.length + 1 && path.at(-1) === "snapshotter")
    .filter(({ path }) => startsWith(path, unpackPath))
    .flatMap(({ value }) => parseTomlString(value) ?? []);
}

/** The text that a key has, in a table or in an inline one. */
function stringAt(
  statements: readonly TomlStatement[],
  path: readonly string[],
): string | undefined {
  const statement = keyAt(statements, path);
  if (statement) return parseTomlString(statement.value);
  const inline = keyAt(statements, path.slice(0, -1));
  return inline && inlineValues(inline.value, path.at(-1) ?? "")[0];
}

/** The strings that a key has in an inline table, or in those of a list. */
function inlineValues(value: string, key: string): string[] {
  const entries = value.matchAll(new RegExp(`\\b${key}\\s*=\\s*("[^"]*"|'[^']*')`, "g"));
  return [...entries].flatMap(([, text = ""]) => parseTomlString(text) ?? []);
}
