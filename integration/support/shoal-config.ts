import { join } from "node:path";

import { formatPeerAddress } from "../../core/peer-address.ts";
import type { NetworkHost } from "./network.ts";

/** Ports that our services listen on by default, and that of registries on hosts of their own. */
export const ports = {
  ...{ tracker: 6969, seeder: 7072, seederSwarm: 7070 },
  ...{ swarm: 7080, admin: 7081, mirror: 7082 },
  ...{ registry: 5000, token: 5001 },
};

/** `host:port` of a host, with brackets around an address of IPv6. */
export function placeOf({ address }: NetworkHost, port: number): string {
  return formatPeerAddress({ host: address, port });
}

/** Base URL of the tracker on a host. */
export function trackerUrl(host: NetworkHost): string {
  return `http://${placeOf(host, ports.tracker)}`;
}

/** Base URL of the seeder on a host. */
export function seederUrl(host: NetworkHost): string {
  return `http://${placeOf(host, ports.seeder)}`;
}

/** Configuration of a tracker on a host. */
export function trackerConfig(host: NetworkHost): object {
  const listen = placeOf(host, ports.tracker);
  return { listen: { http: listen, udp: listen } };
}

/** A registry that speaks plain HTTP. */
export interface RegistryPlace {
  /** As image references name it. */
  readonly host: string;
  readonly url?: string;
  readonly plainHttp: true;
}

/** Configuration of a seeder that takes blobs from registries by plain HTTP. */
export function seederConfig(
  host: NetworkHost,
  options: {
    readonly directory: string;
    readonly trackers: readonly string[];
    readonly registries: readonly RegistryPlace[];
    /** A Docker `config.json`. */
    readonly credentialsFile?: string | undefined;
  },
): object {
  return {
    listen: placeOf(host, ports.seeder),
    store: { root: join(options.directory, "store") },
    swarm: { listen: placeOf(host, ports.seederSwarm) },
    trackers: options.trackers,
    origins: options.registries.map((place) => ({ kind: "registry", ...place })),
    ...(options.credentialsFile !== undefined && { credentialsFile: options.credentialsFile }),
  };
}

/** Where containerd keeps content below the folder of a node, whoever serves it. */
export function contentStorePath(directory: string): string {
  return join(directory, "root", "io.containerd.content.v1.content");
}

/** Socket of the containerd whose folder that is. */
export function containerdSocketPath(directory: string): string {
  return join(directory, "containerd.sock");
}

/** Where snapshots are below the folder of a node. */
export function snapshotsPathOf(directory: string): string {
  return join(directory, "snapshots");
}

/** Section of a content proxy's configuration that has it unpack images. */
export function snapshotsConfig(directory: string): object {
  return { enabled: true, root: snapshotsPathOf(directory) };
}

/**
 * Section of a content proxy's configuration that has it serve the mirror to its own node, and
 * at a second port for one registry.
 */
export function mirrorConfig(registry: string): object {
  return {
    enabled: true,
    listen: mirrorAddress,
    ports: [{ listen: registryMirrorAddress, registry }],
  };
}

/** Where a node has its mirror for all registries. */
export const mirrorAddress = `127.0.0.1:${ports.mirror}`;

/** Where it has the one for the registry of its cluster. */
export const registryMirrorAddress = `127.0.0.1:${ports.mirror + 1}`;

/** Configuration of a content proxy on a host. */
export function contentProxyConfig(
  host: NetworkHost,
  options: {
    readonly directory: string;
    readonly trackers: readonly string[];
    readonly seeders: readonly string[];
    readonly registries?: readonly RegistryPlace[];
  },
): object {
  const { registries } = options;
  return {
    containerd: { address: containerdSocketPath(options.directory) },
    ...(registries && { origin: { registries } }),
    store: {
      root: contentStorePath(options.directory),
      socket: join(options.directory, "content.sock"),
    },
    swarm: { listen: placeOf(host, ports.swarm) },
    admin: { listen: placeOf(host, ports.admin) },
    trackers: options.trackers,
    seeders: options.seeders,
  };
}
