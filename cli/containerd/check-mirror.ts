import { readFile } from "node:fs/promises";

import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { ContainerdConfig } from "./containerd-config.ts";
import type { ContainerdVersion } from "./containerd-version.ts";
import { type Finding, good, wrong } from "./finding.ts";
import {
  type HostsFolder,
  hostsFoldersIn,
  hostsPathOf,
  isDefaultFolder,
  rootsIn,
} from "./hosts-folders.ts";
import { isSet } from "./mirror-change.ts";
import { ownMirrorsIn } from "./mirror-hosts.ts";
import { probeMirror } from "./probe-mirror.ts";

/** A folder of a registry with the mirrors that it has from us. */
interface MirroredFolder extends HostsFolder {
  readonly mirrors: readonly string[];
}

/** Whether containerd asks a mirror of ours, and what is right and wrong with that. */
export interface MirrorCheck {
  readonly isEnabled: boolean;
  readonly findings: readonly Finding[];
}

/**
 * Tells what is right and wrong with the mirror, if a `hosts.toml` names it.
 *
 * @param configs The file that containerd reads, then those that it imports.
 */
export async function checkMirror(
  configs: readonly ContainerdConfig[],
  options: Cancellable & {
    readonly version: ContainerdVersion;
    readonly certsPath?: string | undefined;
  },
): Promise<MirrorCheck> {
  // What is imported last counts.
  const criHostsPath = configs.findLast((each) => isSet(each.criHostsPath))?.criHostsPath;
  const transferHostsPath = configs.findLast((each) =>
    isSet(each.transferHostsPath),
  )?.transferHostsPath;
  const hostsPath = hostsPathOf({ criHostsPath, transferHostsPath }, options);
  const folders = (await Promise.all(rootsIn(hostsPath).map(mirroredFolders))).flat();
  const mirrors = new Set(folders.flatMap((folder) => folder.mirrors));
  if (mirrors.size === 0) {
    return {
      isEnabled: false,
      findings: [good("registries are asked by containerd itself: the mirror is not enabled")],
    };
  }
  return {
    isEnabled: true,
    findings: [
      ...checkFolders(folders),
      checkPath("the CRI", criHostsPath, hostsPath),
      checkPath("the transfer service", transferHostsPath, hostsPath),
      ...(configs.some(({ hasOldMirrors }) => hasOldMirrors) ? [oldMirrors] : []),
      ...(await Promise.all([...mirrors].map((url) => checkAnswer(url, options)))),
    ],
  };
}

const oldMirrors = wrong(
  "registry.mirrors, or registry.configs with tls, are configured too: the CRI does not start with " +
    "both; move them to hosts.toml files",
);

async function mirroredFolders(root: string): Promise<MirroredFolder[]> {
  const folders = await hostsFoldersIn(root);
  return Promise.all(
    folders.map(async (folder) => {
      const text = await readFile(folder.file, "utf8").catch(() => "");
      return { ...folder, mirrors: ownMirrorsIn(text) };
    }),
  );
}

function checkFolders(folders: readonly MirroredFolder[]): Finding[] {
  // containerd takes the first folder for a registry, and the one for all others after those.
  const fallback = folders.find(isDefaultFolder);
  const own = folders.filter((folder) => !isDefaultFolder(folder));
  return [
    fallback && fallback.mirrors.length > 0
      ? good(`${fallback.file} names the mirror for all registries without a folder of their own`)
      : wrong("no _default/hosts.toml names the mirror; run `shoal containerd enable --mirror`"),
    ...own.map(({ name, file, mirrors }) =>
      mirrors.length > 0
        ? good(`${file} names the mirror`)
        : good(`${name} is asked without the mirror, for it has a folder of its own (--registry)`),
    ),
  ];
}

function checkPath(who: string, path: string | undefined, hostsPath: string): Finding {
  if (path === hostsPath) return good(`${who} reads hosts.toml files in ${hostsPath}`);
  return wrong(
    `${who} does not read hosts.toml files in ${hostsPath}: its config_path is ` +
      (isSet(path) ? path : "not set; run `shoal containerd enable --mirror`"),
  );
}

async function checkAnswer(url: string, { signal }: Cancellable): Promise<Finding> {
  try {
    await probeMirror(url, { signal });
    return good(`a mirror answers at ${url}`);
  } catch (error) {
    const why = (error as Error).message;
    return wrong(
      `no mirror answers at ${url}: ${why}; containerd asks registries without it. ` +
        "Is the content proxy running, with mirror.enabled?",
    );
  }
}
