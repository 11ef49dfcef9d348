import { dirname } from "node:path";

import { ConfigFile } from "./config-file.ts";
import { type FileEdit, withoutOwnLines } from "./file-edit.ts";
import {
  findDefaultFolder,
  findRegistryFolder,
  type HostsFolder,
  hostsFoldersIn,
} from "./hosts-folders.ts";
import type { MirroredRegistry } from "./mirrored-registry.ts";
import { type MirrorHost, mirroredHostsFile, newHostsFile } from "./mirror-hosts.ts";
import { hasOwnBlock, withoutOwnBlocks } from "./own-block.ts";

/** Which registries are asked through which mirror. */
export interface MirrorPlan {
  /** Folders with the folders of registries. */
  readonly roots: readonly string[];
  /** Those where files of an earlier plan may be. */
  readonly presentRoots: readonly string[];
  readonly mirror: MirrorHost;
  /** Those with a file of their own, beside the one for all others. */
  readonly registries: readonly MirroredRegistry[];
}

/**
 * The `hosts.toml` files of a plan, and what is to become of those of an earlier one.
 *
 * @throws {FailedPreconditionError} when a file says something that only a person can decide about.
 */
export async function mirrorEdits(plan: MirrorPlan): Promise<FileEdit[]> {
  const { roots, presentRoots, mirror, registries } = plan;
  const edits = [await hostsEdit(await findDefaultFolder(roots), mirror, undefined)];
  for (const registry of registries) {
    edits.push(await hostsEdit(await findRegistryFolder(roots, registry), mirror, registry.server));
  }
  const isWanted = (path: string) => edits.some(({ file }) => file.path === path);
  const earlier = await mirrorRemovals([...new Set([...presentRoots, ...roots])]);
  return [...edits, ...earlier.filter(({ file }) => !isWanted(file.path))];
}

/** Takes our lines out of all `hosts.toml` files. */
export async function mirrorRemovals(roots: readonly string[]): Promise<FileEdit[]> {
  const edits: FileEdit[] = [];
  for (const root of roots) {
    for (const { file, entries } of await hostsFoldersIn(root)) {
      if (!entries.includes("hosts.toml")) continue;
      const opened = await ConfigFile.open(file);
      if (opened.text === undefined || !hasOwnBlock(opened.text)) continue;
      edits.push({ ...(await withoutOwnLines(opened)), folders: [dirname(file), root] });
    }
  }
  return edits;
}

/**
 * Registries whose folders stay without the mirror: containerd looks at these, and not at the
 * one for all others.
 */
export async function foldersBesideMirror(
  { roots }: Pick<MirrorPlan, "roots">,
  edits: readonly FileEdit[],
): Promise<readonly string[]> {
  const written = new Set(edits.map(({ file }) => file.path));
  const names: string[] = [];
  for (const root of roots) {
    for (const folder of await hostsFoldersIn(root)) {
      const { path } = await ConfigFile.open(folder.file);
      if (folder.entries.length > 0 && !written.has(path))
        names.push(folder.name.replace(/_(\d+)_$/, ":$1"));
    }
  }
  return names;
}

async function hostsEdit(
  { file: path }: HostsFolder,
  mirror: MirrorHost,
  server: string | undefined,
): Promise<FileEdit> {
  const file = await ConfigFile.open(path);
  const clean = file.text === undefined ? undefined : withoutOwnBlocks(file.text, file.path);
  const wanted =
    clean === undefined || clean === ""
      ? newHostsFile(mirror, server)
      : mirroredHostsFile(clean, mirror, file.path);
  return { file, wanted };
}
