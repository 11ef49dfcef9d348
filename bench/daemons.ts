import { join } from "node:path";

import {
  createLoopbackNetwork,
  createNetwork,
  hasNetworkNamespaces,
  type Network,
  type NetworkHost,
} from "../integration/support/network.ts";
import {
  contentProxyConfig,
  mirrorAddress,
  ports,
  seederConfig,
  seederUrl,
  snapshotsConfig,
  snapshotsPathOf,
  trackerConfig,
  trackerUrl,
} from "../integration/support/shoal-config.ts";
import { ShoalDaemon } from "../integration/support/shoal-daemon.ts";

/** Where a daemon of ours is to run. */
export interface DaemonPlace {
  readonly on: NetworkHost;
  /** Takes all that it keeps, in a folder of its name. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** A network with one host, `machine`, whose loopback nobody else uses. */
export async function createMachine(): Promise<Network> {
  const hosts = ["machine"];
  return (await hasNetworkNamespaces()) ? createNetwork({ hosts }) : createLoopbackNetwork(hosts);
}

export function startTracker(place: DaemonPlace): Promise<ShoalDaemon> {
  const { on, signal } = place;
  const directory = join(place.directory, "tracker");
  const daemon = { service: "tracker", config: trackerConfig(on), directory, on } as const;
  return ShoalDaemon.start({ ...daemon, adminPort: ports.tracker }, { signal });
}

/** Starts a seeder that announces to the tracker of the same host. */
export function startSeeder(
  place: DaemonPlace,
  { registry }: { readonly registry: string },
): Promise<ShoalDaemon> {
  const { on, signal } = place;
  const directory = join(place.directory, "seeder");
  const registries = [{ host: registry, plainHttp: true }] as const;
  const config = seederConfig(on, { directory, trackers: [trackerUrl(on)], registries });
  const daemon = { service: "seeder", config, directory, on } as const;
  return ShoalDaemon.start({ ...daemon, adminPort: ports.seeder }, { signal });
}

/** What of our other services a content proxy uses, all on the same host. */
export interface ProxyNeighbours {
  readonly withTracker: boolean;
  readonly withSeeder: boolean;
}

/** Where the content proxy of a place keeps snapshots, if it does. */
export function proxySnapshotsPath({ directory }: Pick<DaemonPlace, "directory">): string {
  return snapshotsPathOf(join(directory, "proxy"));
}

/** Starts a content proxy whose socket is {@link proxySocket}. */
export function startProxy(
  place: DaemonPlace,
  options: ProxyNeighbours & {
    readonly withSnapshots?: boolean;
    readonly withMirror?: boolean;
    /** A registry that is reached by HTTP. */
    readonly registry?: string | undefined;
  },
): Promise<ShoalDaemon> {
  const { withTracker, withSeeder, withSnapshots = false, withMirror = false } = options;
  const { registry } = options;
  const { on, signal } = place;
  const directory = join(place.directory, "proxy");
  const trackers = withTracker ? [trackerUrl(on)] : [];
  const seeders = withSeeder ? [seederUrl(on)] : [];
  const config = {
    ...contentProxyConfig(on, { directory, trackers, seeders }),
    // Where a single peer stands for a cluster, its layers are to be streamed as well.
    pull: { trustPeers: !withSeeder },
    containerd: { address: join(containerdPath(place), "containerd.sock") },
    ...(withSnapshots && { snapshots: snapshotsConfig(directory) }),
    ...(withMirror && { mirror: { enabled: true, listen: mirrorAddress } }),
    ...(registry !== undefined && {
      origin: { registries: [{ host: registry, plainHttp: true }] },
    }),
  };
  const daemon = { service: "content-proxy", config, directory, on } as const;
  return ShoalDaemon.start({ ...daemon, adminPort: ports.admin }, { signal });
}

/** Folder of the containerd that a proxy serves; a place has one of each. */
export function containerdPath({ directory }: Pick<DaemonPlace, "directory">): string {
  return join(directory, "containerd");
}

/** Where the content proxy of a place listens for containerd. */
export function proxySocket({ directory }: Pick<DaemonPlace, "directory">): string {
  return join(directory, "proxy", "content.sock");
}
