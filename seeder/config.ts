import { z } from "zod";

import type { DeepReadonly } from "../core/config/deep-readonly.ts";
import type { Environment } from "../core/config/environment-overrides.ts";
import {
  absolutePath,
  advertisedHost,
  byteCount,
  count,
  listenAddress,
  milliseconds,
  publishToken,
  trackerUrl,
} from "../core/config/fields.ts";
import { hostLimitsSchema } from "../core/config/host-limits-schema.ts";
import { loadConfig } from "../core/config/load-config.ts";
import { registryHost, registrySchema } from "../core/config/registry-schema.ts";
import { tagsSchema } from "../core/config/tags-schema.ts";
import { topologySchema } from "../core/config/topology-schema.ts";
import { parseImageReference } from "../core/image-reference.ts";
import { clusterSchema } from "./cluster-schema.ts";
import { seederCombinations } from "./config-combinations.ts";
import { preheatSchema } from "./nodes/preheat-schema.ts";
import { notificationsSchema } from "./notifications/notifications-schema.ts";
import { pushSchema } from "./push/push-schema.ts";

const gibibyte = 1024 ** 3;

const registryOriginSchema = registrySchema.extend({ kind: z.literal("registry") });

const directoryOriginSchema = z.strictObject({
  kind: z.literal("directory"),
  host: registryHost,
  /** Root of a registry's storage: the folder that has `docker/registry/v2` in it. */
  path: absolutePath(),
});

/** An image that stays, such as `registry.example.com/team/base:12`. */
const imageReference = z.string().refine(isImageReference, {
  error: "is not an image reference, want one such as registry.example.com/team/base:12",
});

const storeSchema = z.strictObject({
  /** Where blobs are kept. */
  root: absolutePath().default("/var/lib/shoal/seeder"),
  /** Bytes that blobs may take; the least recently used leave first. */
  budgetBytes: byteCount().default(100 * gibibyte),
  /** Image references (`registry/repo:tag`) whose blobs never leave once they are here. */
  pins: z.array(imageReference).max(1000).default([]),
});

const swarmSchema = z.strictObject({
  /** Where peers reach us. Port 0 takes any free one. */
  listen: listenAddress().prefault("[::]:7070"),
  /** Host that nodes are told to reach us at; left out: the one they asked. */
  advertiseHost: advertisedHost().optional(),
  /** Connections in both directions, over all blobs. */
  connectionsMax: count({ min: 2, max: 100_000 }).default(2000),
  /** Of them, those of one host: a node has one for each blob. */
  connectionsPerHostMax: count({ min: 1, max: 100_000 }).default(1000),
});

const fetchSchema = z.strictObject({
  /** Blobs that are fetched from one origin at once ahead of pulls. */
  blobsMax: count({ min: 1, max: 100 }).default(6),
  /**
   * Blobs that are fetched from one origin at once because somebody pulls them. Nodes wait for
   * each of them, and do not wait long for one that does not move: far fewer than the nodes
   * themselves would ask for at once, but all layers of an image.
   */
  pullBlobsMax: count({ min: 1, max: 100 }).default(64),
  /** How long one preheat may take. */
  preheatTimeoutMs: milliseconds({ min: 1000 }).default(3_600_000),
  /** Preheats at once. */
  preheatsMax: count({ min: 1, max: 1000 }).default(16),
});

/** The configuration of a seeder; every key has a default. */
export const seederConfigSchema = z.strictObject({
  /** Where blobs, metainfo, preheat, health and status are served by HTTP. */
  listen: listenAddress().prefault("[::]:7072"),
  /** HTTP connections at once, beside those of nodes that wait for tasks. */
  connectionsMax: count({ min: 1, max: 100_000 }).default(2000),
  store: storeSchema.prefault({}),
  swarm: swarmSchema.prefault({}),
  topology: topologySchema.prefault({}),
  limits: hostLimitsSchema.prefault({}),
  /** Trackers, as for the content proxy. */
  trackers: z.array(trackerUrl()).max(16).default([]),
  /** Secret that the trackers want of those who publish. */
  publishToken: publishToken().optional(),
  /** Where images come from, by the host in their references. */
  origins: z
    .array(z.discriminatedUnion("kind", [registryOriginSchema, directoryOriginSchema]))
    .max(100)
    .default([]),
  /** Whether registries that `origins` does not list are asked, too. */
  otherRegistries: z.boolean().default(true),
  /** A Docker `config.json` with credentials for the registries. */
  credentialsFile: absolutePath().optional(),
  cluster: clusterSchema.prefault({}),
  fetch: fetchSchema.prefault({}),
  preheat: preheatSchema.prefault({}),
  notifications: notificationsSchema.prefault({}),
  tags: tagsSchema.prefault({}),
  push: pushSchema.prefault({}),
});

/** Checked configuration of a seeder. */
export type SeederConfig = DeepReadonly<z.output<typeof seederConfigSchema>>;

/** @throws {ConfigError} with all problems */
export function parseSeederConfig(
  text: string,
  file: string,
  options: { readonly environment?: Environment } = {},
): SeederConfig {
  return loadConfig(text, file, seederConfigSchema, {
    ...options,
    combinations: seederCombinations,
  });
}

function isImageReference(text: string): boolean {
  try {
    return parseImageReference(text).registry !== "";
  } catch {
    return false;
  }
}
