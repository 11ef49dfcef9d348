import { type ConfigChange, changedKeys, joined, unchanged } from "./config-change.ts";
import { configConflict } from "./config-conflict.ts";
import {
  type ContainerdConfig,
  criRegistryTable,
  hostsPathKey,
  transferTable,
} from "./containerd-config.ts";

/**
 * Has the CRI and the transfer service read `hosts.toml` files, where they do not yet.
 * Folders that somebody named stay: our files go there.
 *
 * @param hostsPath Folders with colons between them.
 * @throws {FailedPreconditionError} when mirrors are configured in the older way.
 */
export function mirrorChange(
  text: string,
  config: ContainerdConfig,
  { hostsPath }: { readonly hostsPath: string },
): ConfigChange {
  if (config.hasOldMirrors) throw oldMirrorsConflict("it");
  const { statements } = config;
  const changed = (table: readonly string[], present: string | undefined) =>
    isSet(present)
      ? unchanged
      : changedKeys(text, statements, { table, values: { [hostsPathKey]: hostsPath } });
  return joined([
    changed(criRegistryTable(config.version), config.criHostsPath),
    changed(transferTable, config.transferHostsPath),
  ]);
}

/** What containerd says is an error, and what starts without the CRI then. */
export function oldMirrorsConflict(file: string): Error {
  return configConflict(
    `${file} has registry.mirrors or registry.configs with tls, which exclude hosts.toml files; ` +
      "move them to hosts.toml files first (containerd docs/hosts.md)",
  );
}

/** `config default` prints an empty text for what is not set. */
export function isSet(hostsPath: string | undefined): hostsPath is string {
  return hostsPath !== undefined && hostsPath !== "";
}
