import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { FailedPreconditionError, InvalidArgumentError } from "../../core/errors.ts";
import { configConflict } from "./config-conflict.ts";
import { type ContainerdConfig, parseContainerdConfig } from "./containerd-config.ts";
import type { ContainerdVersion } from "./containerd-version.ts";
import { isSet } from "./mirror-change.ts";
import type { MirroredRegistry } from "./mirrored-registry.ts";

/** Folder of the file for all registries that have none of their own. */
const defaultFolder = "_default";

/** Where containerd looks for folders of registries by itself, since 2.2. */
const standardRoots = "/etc/containerd/certs.d:/etc/docker/certs.d";

/** Name of the file in the folder of a registry. */
const hostsFile = "hosts.toml";

/** Registries that may have folders; one has a few. */
const foldersMax = 1000;

/** A folder for one registry, or for all others. */
export interface HostsFolder {
  readonly name: string;
  /** Path of its `hosts.toml`. */
  readonly file: string;
  /** Files that are in it. */
  readonly entries: readonly string[];
}

/**
 * Where containerd looks for folders of registries, as its configuration has it; what it is
 * to be told otherwise. 2.2 and newer look at two folders by themselves.
 */
export function hostsPathOf(
  config: Pick<ContainerdConfig, "criHostsPath" | "transferHostsPath">,
  {
    version,
    certsPath,
  }: { readonly version: ContainerdVersion; readonly certsPath?: string | undefined },
): string {
  if (isSet(config.criHostsPath)) return config.criHostsPath;
  if (isSet(config.transferHostsPath)) return config.transferHostsPath;
  if (certsPath !== undefined) return certsPath;
  const { major, minor } = version;
  const hasDocker = major > 2 || (major === 2 && minor >= 2);
  return hasDocker ? standardRoots : "/etc/containerd/certs.d";
}

/** @throws {FailedPreconditionError} when there is none */
export function rootsIn(hostsPath: string): readonly string[] {
  const roots = hostsPath.split(":").filter((root) => root !== "");
  if (roots.length > 0) return roots;
  throw configConflict(`its config_path ${JSON.stringify(hostsPath)} names no folder`);
}

/**
 * Where files of ours may be: the folders that a configuration names, if it can be read, and
 * one that was named by hand, else the usual ones: the configuration may be another by now.
 */
export function presentRoots(text: string, certsPath: string | undefined): readonly string[] {
  const named = [certsPath ?? standardRoots, ...hostsPathsIn(text)];
  return [...new Set(named.flatMap((path) => path.split(":")))].filter((root) => root !== "");
}

function hostsPathsIn(text: string): readonly string[] {
  try {
    const { criHostsPath = "", transferHostsPath = "" } = parseContainerdConfig(text);
    return [criHostsPath, transferHostsPath];
  } catch (error) {
    // `disable` works for a file that is no TOML any more.
    if (error instanceof InvalidArgumentError) return [];
    throw error;
  }
}

/** The folders of registries in a root; none when it is not there. */
export async function hostsFoldersIn(root: string): Promise<HostsFolder[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const names = entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map(({ name }) => name)
    .sort();
  return Promise.all(names.slice(0, foldersMax).map((name) => readFolder(root, name)));
}

/**
 * Where the file for all other registries goes: the folder that there is, or one in the last
 * root, for whatever a later root has is not looked at any more.
 */
export async function findDefaultFolder(roots: readonly string[]): Promise<HostsFolder> {
  const found = await findFolder(roots, [defaultFolder]);
  return found ?? emptyFolder(roots.at(-1) ?? "", defaultFolder);
}

/**
 * Where the file of one registry goes: the folder that containerd finds first, or a new one
 * in the first root.
 *
 * @throws {FailedPreconditionError} when a file there would not be read any more.
 */
export async function findRegistryFolder(
  roots: readonly string[],
  { host }: MirroredRegistry,
): Promise<HostsFolder> {
  // With a port containerd takes a folder that Windows could have, too, before the other.
  const names = [...new Set([host.replace(/:(\d+)$/, "_$1_"), host])];
  const folder = (await findFolder(roots, names)) ?? emptyFolder(roots[0] ?? "", host);
  const certificate = folder.entries.find((entry) => /\.(crt|cert|key)$/.test(entry));
  if (certificate !== undefined && !folder.entries.includes(hostsFile)) {
    throw new FailedPreconditionError(
      `Cannot write ${folder.file}: containerd would not read ${certificate} beside it any more; ` +
        "write a hosts.toml that names it (ca, client) first",
    );
  }
  return folder;
}

export function isDefaultFolder({ name }: HostsFolder): boolean {
  return name === defaultFolder;
}

async function findFolder(
  roots: readonly string[],
  names: readonly string[],
): Promise<HostsFolder | undefined> {
  for (const root of roots) {
    const folders = await hostsFoldersIn(root);
    for (const wanted of names) {
      const folder = folders.find(({ name }) => name === wanted);
      if (folder) return folder;
    }
  }
  return undefined;
}

async function readFolder(root: string, name: string): Promise<HostsFolder> {
  const entries = await readdir(join(root, name)).catch(() => []);
  return { name, file: join(root, name, hostsFile), entries };
}

function emptyFolder(root: string, name: string): HostsFolder {
  return { name, file: join(root, name, hostsFile), entries: [] };
}
