import { z } from "zod";

import type { DeepReadonly } from "../core/config/deep-readonly.ts";
import {
  absolutePath,
  byteCount,
  count,
  httpUrl,
  listenAddress,
  milliseconds,
  publishToken,
  trackerUrl,
} from "../core/config/fields.ts";
import { loadConfig } from "../core/config/load-config.ts";
import { hostLimitsSchema } from "../core/config/host-limits-schema.ts";
import { registrySchema } from "../core/config/registry-schema.ts";
import { tagsSchema } from "../core/config/tags-schema.ts";
import { topologySchema } from "../core/config/topology-schema.ts";
import type { Environment } from "../core/config/environment-overrides.ts";
import { contentProxyCombinations, peersPerBlobDefault } from "./config-combinations.ts";
import { mirrorSchema } from "./mirror/mirror-schema.ts";
import { defaultLayerLimits } from "../core/unpack/layer-limits.ts";
import { nodeSchema, preheatSchema } from "./preheat/preheat-schema.ts";

const gibibyte = 1024 ** 3;

const storeSchema = z.strictObject({
  /** Root of the content store: containerd's own, so that both can use it in turn. */
  root: absolutePath().default("/var/lib/containerd/io.containerd.content.v1.content"),
  /** Unix socket that containerd's `proxy_plugins` names. */
  socket: absolutePath().default("/run/shoal/content.sock"),
});

const containerdSchema = z.strictObject({
  /** Socket of containerd itself, which is asked where a blob came from. */
  address: absolutePath().default("/run/containerd/containerd.sock"),
});

const swarmSchema = z.strictObject({
  /** Where peers reach us. Port 0 takes any free one. */
  listen: listenAddress().prefault("[::]:7080"),
  /** Peers that one blob is fetched from at once. */
  peersPerBlobMax: count({ min: 1, max: 200 }).default(peersPerBlobDefault),
  /** Connections in both directions, over all blobs. */
  connectionsMax: count({ min: 2, max: 10_000 }).default(512),
  /** Of those that others open to this node, the ones of one host: it has one for each blob. */
  connectionsPerHostMax: count({ min: 1, max: 10_000 }).default(128),
});

const pullSchema = z.strictObject({
  /** How long the directory is asked for a blob. */
  lookupTimeoutMs: milliseconds({ min: 10, max: 60_000 }).default(1000),
  /** A blob of which no byte came for so long is left to the registry. */
  stallTimeoutMs: milliseconds({ min: 100, max: 600_000 }).default(5000),
  /** A read of a promised blob fails when its bytes did not come for so long. */
  readTimeoutMs: milliseconds({ min: 1000, max: 3_600_000 }).default(60_000),
  /** Whether containerd may read layers that are still arriving. */
  streamLayers: z.boolean().default(true),
  /**
   * Whether that holds for layers, too, that no configured seeder vouches for. A peer that
   * lies about one fails a pull then; without it such a layer is checked whole first.
   */
  trustPeers: z.boolean().default(false),
  /** Blobs that are fetched ahead at once, because a manifest names them. */
  downloadsMax: count({ min: 0, max: 100 }).default(8),
});

const cacheSchema = z.strictObject({
  /** Bytes that blobs may take which containerd deleted. */
  budgetBytes: byteCount().default(20 * gibibyte),
});

const originSchema = z.strictObject({
  /** Registries that are not reached as their names say, for blobs that the swarm has lost. */
  registries: z.array(registrySchema).max(100).default([]),
  /** A Docker `config.json` with credentials for registries. */
  credentialsFile: absolutePath().optional(),
});

const limitsSchema = z.strictObject({
  /** Entries of a layer: files, directories, links and all else. */
  entriesMax: count({ min: 1 }).default(defaultLayerLimits.entriesMax),
  /** Length of its tar stream; and of its files together, holes counted. */
  tarBytesMax: byteCount({ min: 1 }).default(defaultLayerLimits.tarSizeMax),
  /** Bytes of tar stream for each byte of its blob. */
  ratioMax: count({ min: 1 }).default(defaultLayerLimits.ratioMax),
});

const snapshotsSchema = z.strictObject({
  /** Whether snapshots are served too, on the same socket. */
  enabled: z.boolean().default(false),
  /** Where they are kept, on a file system that overlayfs can use. */
  root: absolutePath().default("/var/lib/shoal/snapshots"),
  /** Threads that unpack layers; never more than the machine has processors. */
  threadsMax: count({ min: 1, max: 64 }).default(4),
  /** A layer of which nothing moved for so long is left to containerd. */
  prepareTimeoutMs: milliseconds({ min: 1000, max: 3_600_000 }).default(30_000),
  /** What a layer may be at most; containerd unpacks, or refuses, what is more. */
  limits: limitsSchema.prefault({}),
});

const adminSchema = z.strictObject({
  /** Where health and status are served. */
  listen: listenAddress().prefault("127.0.0.1:7081"),
});

/** The configuration of the content proxy; every key has a default. */
export const contentProxyConfigSchema = z.strictObject({
  store: storeSchema.prefault({}),
  containerd: containerdSchema.prefault({}),
  /**
   * Trackers. An HTTP URL is the base of one of ours: it announces to `/announce` and asks
   * the directory. A URL that ends in `/announce`, or with `udp://`, only announces.
   */
  trackers: z.array(trackerUrl()).max(16).default([]),
  /** Base URLs of the seeders. */
  seeders: z.array(httpUrl()).max(64).default([]),
  /** Secret that the trackers want of those who publish; `undefined` when they want none. */
  publishToken: publishToken().optional(),
  /** Whether blobs that were pulled here are given to peers. */
  offer: z.boolean().default(true),
  swarm: swarmSchema.prefault({}),
  topology: topologySchema.prefault({}),
  pull: pullSchema.prefault({}),
  cache: cacheSchema.prefault({}),
  limits: hostLimitsSchema.prefault({}),
  snapshots: snapshotsSchema.prefault({}),
  origin: originSchema.prefault({}),
  tags: tagsSchema.prefault({}),
  mirror: mirrorSchema.prefault({}),
  preheat: preheatSchema.prefault({}),
  node: nodeSchema.prefault({}),
  admin: adminSchema.prefault({}),
});

/** Checked configuration of the content proxy. */
export type ContentProxyConfig = DeepReadonly<z.output<typeof contentProxyConfigSchema>>;

/** @throws {ConfigError} with all problems */
export function parseContentProxyConfig(
  text: string,
  file: string,
  options: { readonly environment?: Environment } = {},
): ContentProxyConfig {
  return loadConfig(text, file, contentProxyConfigSchema, {
    ...options,
    combinations: contentProxyCombinations,
  });
}
