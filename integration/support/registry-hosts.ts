import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A host that containerd asks for the content of a registry. */
export interface MirrorHost {
  /** With scheme, as `http://127.0.0.1:5000`. */
  readonly url: string;
  readonly capabilities?: readonly ("pull" | "resolve" | "push")[];
}

/**
 * Tells containerd, by a `hosts.toml` below `hostsPath`, that a registry speaks plain
 * HTTP, and which mirrors to ask before it. containerd reads it again at every pull.
 */
export async function writeRegistryHosts(
  hostsPath: string,
  registryHost: string,
  mirrors: readonly MirrorHost[] = [],
): Promise<void> {
  const directory = join(hostsPath, registryHost);
  const url = `http://${registryHost}`;
  const hosts = [...mirrors, { url, capabilities: ["pull", "resolve", "push"] }];
  const tables = hosts.map(
    (host) => `[host."${host.url}"]
  capabilities = ${JSON.stringify(host.capabilities ?? ["pull", "resolve"])}
`,
  );
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "hosts.toml"), `server = "${url}"\n\n${tables.join("\n")}`);
}
