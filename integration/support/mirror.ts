import { join } from "node:path";

import { runCommand } from "./command.ts";
import type { Containerd } from "./containerd.ts";
import { commandPath } from "./shoal-daemon.ts";

/**
 * Tells a containerd of the mirror on its node, and of a registry that speaks plain HTTP, as
 * a user does. It reads `hosts.toml` files at each pull; the rest of its configuration has
 * been so since it was started.
 */
export async function enableMirror(
  { directory, hostsPath, release }: Containerd,
  options: {
    /** Host and port. */
    readonly registryHost: string;
    /** Of a content store that takes the place of containerd's. */
    readonly contentProxySocket: string | undefined;
    readonly snapshotsRoot: string | undefined;
  },
): Promise<void> {
  const { registryHost, contentProxySocket: socket, snapshotsRoot } = options;
  await runCommand([
    ...(["sh", commandPath, "containerd", "enable", "--mirror"] as const),
    ...["--registry", `http://${registryHost}`],
    ...["--containerd", join(release.binPath, "containerd")],
    ...["--containerd-config", join(directory, "config.toml"), "--certs-dir", hostsPath],
    ...(socket === undefined ? [] : ["--content", "--socket", socket]),
    ...(snapshotsRoot === undefined ? [] : ["--snapshotter", "--snapshots-root", snapshotsRoot]),
  ]);
}
