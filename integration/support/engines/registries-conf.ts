import { writeFile } from "node:fs/promises";

import { mirrorAddress, registryMirrorAddress } from "../shoal-config.ts";
import { registriesConfPath } from "./engine.ts";

/** A registry without a port in its name, which podman wants to say it in a path. */
export const plainRegistryName = "registry.test";

/**
 * Tells podman, buildah and skopeo of a registry that speaks plain HTTP, by its own name and by
 * {@link plainRegistryName}, and of the mirror of the node before both: at its port for that
 * registry, and by path.
 */
export async function writeRegistriesConf(directory: string, registry: string): Promise<void> {
  const text = `unqualified-search-registries = []

[[registry]]
prefix = "${registry}"
location = "${registry}"
insecure = true
[[registry.mirror]]
location = "${registryMirrorAddress}"
insecure = true

[[registry]]
prefix = "${plainRegistryName}"
location = "${registry}"
insecure = true
[[registry.mirror]]
location = "${mirrorAddress}/${plainRegistryName}"
insecure = true
`;
  await writeFile(registriesConfPath(directory), text);
}
