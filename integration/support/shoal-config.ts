import { join } from "node:path";

import type { NetworkHost } from "./network.ts";

/** Ports that our services listen on by default, and that of registries on hosts of their own. */
export const ports = {
  ...{ tracker: 6969, seeder: 7072, seederSwarm: 7070 },
  ...{ swarm: 7080, admin: 7081, mirror: 7082 },
  registry: 5000,
};

/** Base URL of the tracker on a host. */
export function trackerUrl({ address }: NetworkHost): string {
  return `http://${address}:${ports.tracker}`;
}

/** Base URL of the seeder on a host. */
export function seederUrl({ address }: NetworkHost): string {
  return `http://${address}:${ports.seeder}`;
}

/** Configuration of a tracker on a host. */
export function trackerConfig({ address }: NetworkHost): object {
  const listen = `${address}:${ports.tracker}`;
  return { listen: { http: listen, udp: listen } };
}

/** Configuration of a seeder that takes blobs from one registry by plain HTTP. */
export function seederConfig(
  { address }: NetworkHost,
  options: {
    readonly directory: string;
    readonly trackers: readonly string[];
    /** Host and port. */
    readonly registry: string;
    /** A Docker `config.json`. */
    readonly credentialsFile?: string | undefined;
  },
): object {
  return {
    listen: `${address}:${ports.seeder}`,
    store: { root: join(options.directory, "store") },
    swarm: { listen: `${address}:${ports.seederSwarm}` },
    trackers: options.trackers,
    origins: [{ kind: "registry", host: options.registry, plainHttp: true }],
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

/** Section of a content proxy's configuration that has it serve the mirror to its own node. */
export const mirrorConfig = { enabled: true, listen: `127.0.0.1:${ports.mirror}` };

/** Configuration of a content proxy on a host. */
export function contentProxyConfig(
  { address }: NetworkHost,
  options: {
    readonly directory: string;
    readonly trackers: readonly string[];
    readonly seeders: readonly string[];
    /** Host and port of a registry that speaks plain HTTP. */
    readonly registry?: string;
  },
): object {
  const { registry } = options;
  return {
    containerd: { address: containerdSocketPath(options.directory) },
    ...(registry !== undefined && {
      origin: { registries: [{ host: registry, plainHttp: true }] },
    }),
    store: {
      root: contentStorePath(options.directory),
      socket: join(options.directory, "content.sock"),
    },
    swarm: { listen: `${address}:${ports.swarm}` },
    admin: { listen: `${address}:${ports.admin}` },
    trackers: options.trackers,
    seeders: options.seeders,
  };
}
