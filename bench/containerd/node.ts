import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { DisposeStack } from "../../core/async/dispose-stack.ts";
import { ensureInstalledContainerd } from "../../integration/support/containerd-release.ts";
import { Containerd } from "../../integration/support/containerd.ts";
import { writeRegistryHosts } from "../../integration/support/registry-hosts.ts";
import type { ShoalDaemon } from "../../integration/support/shoal-daemon.ts";
import { containerdPath, proxySnapshotsPath, proxySocket, startProxy } from "../daemons.ts";
import type { Origin } from "./origin.ts";

/** What a containerd has of ours: nothing, the content store, or the snapshotter as well. */
export type NodeKind = "plain" | "ours" | "ours-with-snapshots";

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
  { withCri = false }: { readonly withCri?: boolean } = {},
): Promise<Node> {
  const { on, signal } = origin.place;
  const place = { on, signal, directory: join(origin.place.directory, kind) };
  const started = new DisposeStack();
  try {
    await mkdir(place.directory);
    started.defer(() => rm(place.directory, { recursive: true }));
    const swarm = {
      withTracker: origin.seeder !== undefined,
      withSeeder: origin.seeder !== undefined,
    };
    const withSnapshots = kind === "ours-with-snapshots";
    const proxy =
      kind === "plain"
        ? undefined
        : started.use(await startProxy(place, { ...swarm, withSnapshots }));
    const containerd = started.use(
      await Containerd.start(
        {
          release: await ensureInstalledContainerd(),
          directory: containerdPath(place),
          contentProxySocket: proxy && proxySocket(place),
          snapshotsRoot: withSnapshots ? proxySnapshotsPath(place) : undefined,
          withCri,
          sandboxImage: `${origin.registry.host}/${pauseRepository}`,
          netns: on.netns,
        },
        { signal },
      ),
    );
    await writeRegistryHosts(containerd.hostsPath, origin.registry.host);
    return { containerd, proxy, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() };
  } catch (error) {
    return started.disposeAfter(error);
  }
}
