import { join } from "node:path";

import { DisposeStack } from "../../core/async/dispose-stack.ts";
import type { ContainerdRelease } from "./containerd-release.ts";
import { Containerd } from "./containerd.ts";
import { enableMirror } from "./mirror.ts";
import type { Network, NetworkHost } from "./network.ts";
import type { Patience } from "./patience.ts";
import { writeDockerConfig } from "./registry-auth.ts";
import { writeRegistryHosts } from "./registry-hosts.ts";
import { startRegistry, type Registry } from "./registry.ts";
import { pauseName } from "./sample-images.ts";
import {
  contentProxyConfig,
  contentStorePath,
  mirrorConfig,
  placeOf,
  ports,
  seederConfig,
  type RegistryPlace,
  seederUrl,
  snapshotsConfig,
  snapshotsPathOf,
  trackerConfig,
  trackerUrl,
} from "./shoal-config.ts";
import { ShoalDaemon } from "./shoal-daemon.ts";
import { startTokenServer, type TokenServer } from "./token-server.ts";

/** Which of our services a cluster has. */
export interface ShoalServices {
  readonly tracker: boolean;
  readonly seeder: boolean;
  readonly contentProxy: boolean;
}

export const allServices: ShoalServices = { tracker: true, seeder: true, contentProxy: true };
export const noServices: ShoalServices = { tracker: false, seeder: false, contentProxy: false };

export interface ClusterOptions {
  /** Has the hosts `registry`, `tracker` and those of seeders where there are such, and the nodes. */
  readonly network: Network;
  /** Names of the hosts that run containerd. */
  readonly nodes: readonly string[];
  readonly release: ContainerdRelease;
  readonly services: ShoalServices;
  /** How many seeders there are, if any; see {@link seederNames}. */
  readonly seeders?: number | undefined;
  /** Takes all that the cluster keeps. */
  readonly directory: string;
  readonly withCri?: boolean;
  /** Whether the content proxies unpack images, too. */
  readonly withSnapshots?: boolean | undefined;
  /** Whether containerd asks the mirror of its node: with its own content store, or with ours. */
  readonly mirror?: MirrorLevel | undefined;
  /** Names, beside its own, by which our services know the registry. */
  readonly registryNames?: readonly string[] | undefined;
  /** Name of the host by which everybody reaches the registry, if not by its own: a front. */
  readonly front?: string | undefined;
  /** Labels of nodes, by their names, for preheats to choose them by. */
  readonly nodeLabels?: Readonly<Record<string, object>> | undefined;
  /** Sections of the content proxies' configuration that are not as usual. */
  readonly contentProxy?: object | undefined;
  /** The same of single nodes, by their names: each takes the place of a section of that name. */
  readonly contentProxyOf?: Readonly<Record<string, object>> | undefined;
  /** How long content proxies wait where their sections do not say it: as users' do if left out. */
  readonly patience?: Patience | undefined;
  /** Sections of the seeders' configuration that are not as usual. */
  readonly seeder?: object | undefined;
  /** Whether the registry wants a password, which the seeders have, or tokens that cost one. */
  readonly isPrivate?: boolean | "token" | undefined;
}

/** How the mirror is used: by itself, or beside a content store of ours. */
export type MirrorLevel = "alone" | "beside";

/** A machine that pulls images. */
export interface ClusterNode {
  readonly name: string;
  readonly host: NetworkHost;
  readonly containerd: Containerd;
  /** Where its content is, whoever serves it. */
  readonly storePath: string;
  /** Where the content proxy has its snapshots, if it unpacks images. */
  readonly snapshotsPath: string;
  /** None where containerd keeps its content itself. */
  readonly proxy: ShoalDaemon | undefined;
}

/** Dispose of it to end all that runs on the network; the network stays. */
export interface Cluster extends AsyncDisposable {
  readonly registry: Registry;
  /** Where the registry wants tokens. */
  readonly tokens: TokenServer | undefined;
  readonly tracker: ShoalDaemon | undefined;
  /** The first of the seeders. */
  readonly seeder: ShoalDaemon | undefined;
  readonly seeders: readonly ShoalDaemon[];
  readonly nodes: readonly ClusterNode[];
}

/** Names of the hosts of so many seeders. */
export function seederNames(count = 1): string[] {
  return Array.from({ length: count }, (_, index) =>
    index === 0 ? "seeder" : `seeder${index + 1}`,
  );
}

/** Starts a registry, our services, and nodes with a containerd each, and waits for all. */
export async function startCluster(
  options: ClusterOptions,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Cluster> {
  const { network, services } = options;
  const started = new DisposeStack();
  const inDirectory = (name: string) => join(options.directory, name);
  try {
    const place = { directory: inDirectory("registry"), on: network.host("registry") };
    const tokens =
      options.isPrivate === "token"
        ? started.use(await startTokenServer({ ...place, directory: options.directory }))
        : undefined;
    const auth = tokens?.auth ?? { kind: "basic" };
    const registry = started.use(
      await startRegistry({ ...place, ...(options.isPrivate && { auth }) }),
    );
    const { front } = options;
    const registryHost =
      front === undefined ? registry.host : placeOf(network.host(front), ports.registry);
    const parts = { options, registryHost, signal };
    const tracker = services.tracker ? started.use(await startTracker(parts)) : undefined;
    const seeders: ShoalDaemon[] = [];
    for (const on of seederHostsOf(options))
      seeders.push(started.use(await startSeeder(parts, on)));
    const nodes: ClusterNode[] = [];
    for (const name of options.nodes) {
      const host = network.host(name);
      const directory = inDirectory(name);
      const proxy = services.contentProxy
        ? started.use(await startContentProxy(parts, host))
        : undefined;
      const { release, withCri, mirror } = options;
      const contentProxySocket =
        proxy && mirror !== "alone" ? join(directory, "content.sock") : undefined;
      const sandboxImage = `${registryHost}/${pauseName}`;
      const snapshotsPath = snapshotsPathOf(directory);
      const snapshotsRoot = options.withSnapshots ? snapshotsPath : undefined;
      const own = { release, directory, contentProxySocket, snapshotsRoot, netns: host.netns };
      const containerd = started.use(
        await Containerd.start({ ...own, withCri, sandboxImage }, { signal }),
      );
      await (mirror
        ? enableMirror(containerd, { registryHost, contentProxySocket, snapshotsRoot })
        : writeRegistryHosts(containerd.hostsPath, registryHost));
      const storePath = contentStorePath(directory);
      nodes.push({ name, host, containerd, proxy, storePath, snapshotsPath });
    }
    return {
      ...{ registry, tokens, tracker, seeder: seeders[0], seeders, nodes },
      [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
    };
  } catch (error) {
    return started.disposeAfter(error);
  }
}

interface ClusterParts {
  readonly options: ClusterOptions;
  /** Host and port by which everybody names the registry. */
  readonly registryHost: string;
  readonly signal: AbortSignal | undefined;
}

function startTracker({ options, signal }: ClusterParts): Promise<ShoalDaemon> {
  const on = options.network.host("tracker");
  const directory = join(options.directory, "tracker");
  const config = trackerConfig(on);
  const daemon = { service: "tracker", config, directory, on, adminPort: ports.tracker } as const;
  return ShoalDaemon.start(daemon, { signal });
}

async function startSeeder(
  { options, registryHost, signal }: ClusterParts,
  on: NetworkHost,
): Promise<ShoalDaemon> {
  const directory = join(options.directory, on.name);
  const trackers = trackersOf(options);
  const credentialsFile = options.isPrivate
    ? await writeDockerConfig(options.directory, registryHost)
    : undefined;
  const origin = { registries: registriesOf(options, registryHost), credentialsFile };
  const others = seederHostsOf(options).filter(({ name }) => name !== on.name);
  const config = {
    ...seederConfig(on, { directory, trackers, ...origin }),
    cluster: { self: seederUrl(on), others: others.map(seederUrl) },
    ...options.seeder,
  };
  const daemon = { service: "seeder", config, directory, on, adminPort: ports.seeder } as const;
  return ShoalDaemon.start(daemon, { signal });
}

function startContentProxy(
  { options, registryHost, signal }: ClusterParts,
  on: NetworkHost,
): Promise<ShoalDaemon> {
  const directory = join(options.directory, on.name);
  const places = {
    directory,
    trackers: trackersOf(options),
    seeders: seederHostsOf(options).map(seederUrl),
    registries: registriesOf(options, registryHost),
  };
  const sections: Readonly<Record<string, object>> = {
    ...(options.mirror && { mirror: mirrorConfig(registryHost) }),
    ...(options.mirror === "alone" && {
      // Two programs cannot keep the same folder.
      store: { root: join(directory, "shoal"), socket: join(directory, "content.sock") },
    }),
    ...(options.withSnapshots && { snapshots: snapshotsConfig(directory) }),
    // All hosts of the network have one machine's name.
    node: { name: on.name, labels: options.nodeLabels?.[on.name] ?? {} },
    ...options.contentProxy,
    ...options.contentProxyOf?.[on.name],
  };
  const { patience } = options;
  const config = {
    ...contentProxyConfig(on, places),
    ...sections,
    pull: { ...patience?.pull, ...sections["pull"] },
    ...(sections["mirror"] && { mirror: { ...patience?.mirror, ...sections["mirror"] } }),
  };
  const daemon = { service: "content-proxy", config, directory, on } as const;
  return ShoalDaemon.start({ ...daemon, adminPort: ports.admin }, { signal });
}

function registriesOf({ registryNames = [] }: ClusterOptions, host: string): RegistryPlace[] {
  return [host, ...registryNames].map((name) => ({
    ...{ host: name, url: `http://${host}`, plainHttp: true },
  }));
}

function seederHostsOf({ network, services, seeders }: ClusterOptions): NetworkHost[] {
  return services.seeder ? seederNames(seeders).map((name) => network.host(name)) : [];
}

function trackersOf({ network, services }: ClusterOptions): string[] {
  return services.tracker ? [trackerUrl(network.host("tracker"))] : [];
}
