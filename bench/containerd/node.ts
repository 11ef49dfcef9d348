import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { DisposeStack } from "../../core/async/dispose-stack.ts";
import { ensureInstalledContainerd } from "../../integration/support/containerd-release.ts";
import { Containerd } from "../../integration/support/containerd.ts";
import { writeRegistryHosts } from "../../integration/support/registry-hosts.ts";
import { mirrorAddress } from "../../integration/support/shoal-config.ts";
import type { ShoalDaemon } from "../../integration/support/shoal-daemon.ts";
import { containerdPath, proxySnapshotsPath, proxySocket, startProxy } from "../daemons.ts";
import type { Origin } from "./origin.ts";

/** What a containerd has of ours: nothing, the content store, the snapshotter as well, or the mirror alone. */
export type NodeKind = "plain" | "ours" | "ours-with-snapshots" | "mirror";

/** The image that pods of nodes with the CRI are made of, which the origin must have. */
export const pauseRepository = "bench/pause:1";

/** A containerd with nothing in it. Dispose of it to end it and to remove all it has kept. */
export interface Node extends AsyncDisposable {
  readonly containerd: Containerd;
  /** None where containerd keeps its content itself. */
  readonly proxy: ShoalDaemon | undefined;
}

/** Starts a node of its kind, of which there can be one at a time. */
export async function startNode(
  kind: NodeKind,
  origin: Origin,
  options: {
    readonly withCri?: boolean;
    /** Where it is not as with the origin. */
    readonly withTracker?: boolean;
  } = {},
): Promise<Node> {
  const { on, signal } = origin.place;
  const { withCri = false, withTracker = origin.seeder !== undefined } = options;
  const place = { on, signal, directory: join(origin.place.directory, kind) };
  const started = new DisposeStack();
  try {
    await mkdir(place.directory);
    started.defer(() => rm(place.directory, { recursive: true }));
    const swarm = { withTracker, withSeeder: origin.seeder !== undefined };
    const withSnapshots = kind === "ours-with-snapshots";
    const withMirror = kind === "mirror";
    const registry = withMirror ? origin.registry.host : undefined;
    const proxy =
      kind === "plain"
        ? undefined
        : started.use(await startProxy(place, { ...swarm, withSnapshots, withMirror, registry }));
    const containerd = started.use(
      await Containerd.start(
        {
          release: await ensureInstalledContainerd(),
          directory: containerdPath(place),
          contentProxySocket: proxy && !withMirror ? proxySocket(place) : undefined,
          snapshotsRoot: withSnapshots ? proxySnapshotsPath(place) : undefined,
          withCri,
          sandboxImage: `${origin.registry.host}/${pauseRepository}`,
          netns: on.netns,
        },
        { signal },
      ),
    );
    const mirrors = withMirror ? [{ url: `http://${mirrorAddress}` }] : [];
    await writeRegistryHosts(containerd.hostsPath, origin.registry.host, mirrors);
    return { containerd, proxy, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() };
  } catch (error) {
    return started.disposeAfter(error);
  }
}
