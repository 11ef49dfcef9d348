import { z } from "zod";

import type { Combination } from "../core/config/combination.ts";
import type { DeepReadonly } from "../core/config/deep-readonly.ts";
import type { Environment } from "../core/config/environment-overrides.ts";
import {
  absolutePath,
  byteCount,
  count,
  listenAddress,
  milliseconds,
  publishToken,
} from "../core/config/fields.ts";
import { loadConfig } from "../core/config/load-config.ts";

const mebibyte = 1024 ** 2;

const listenSchema = z.strictObject({
  /** Announces, scrapes, the directory. `[::]` serves IPv4 too. */
  http: listenAddress().prefault("[::]:6969"),
  /** Announces and scrapes of stock clients; `false` for none. */
  udp: z.union([z.literal(false), listenAddress()]).prefault("[::]:6969"),
  /** Connections at once, half of them of one address at most. A node keeps a few open. */
  connectionsMax: count({ min: 1, max: 1_000_000 }).default(10_000),
});

const announceSchema = z.strictObject({
  /** How often peers should announce themselves: newcomers are told of who is there at once. */
  intervalMs: milliseconds({ min: 1000, max: 86_400_000 }).default(600_000),
  /** How soon a peer that is short of others may come back. */
  intervalMinMs: milliseconds({ min: 1000, max: 86_400_000 }).default(5000),
  /** How often our nodes give a sign of life for all of their swarms; who leaves out three is gone. */
  heartbeatMs: milliseconds({ min: 1000, max: 600_000 }).default(15_000),
  /** Whether peers may say by the HTTP parameter `ip` that they are elsewhere. Over UDP never. */
  trustIpParameter: z.boolean().default(false),
  /** Whether only torrents of the directory are taken. */
  onlyDirectory: z.boolean().default(false),
  /** Swarms; of 1,000 nodes and all of their blobs. Beyond, small ones of hosts with many give way. */
  swarmsMax: count({ min: 1, max: 10_000_000 }).default(100_000),
  /** Peers over all swarms; of 1,000 nodes with 2,000 blobs, which take about 130 bytes each. */
  peersMax: count({ min: 1, max: 10_000_000 }).default(2_000_000),
  /** Peers over all swarms that have one address: a node is one in each of its swarms. */
  peersPerAddressMax: count({ min: 1, max: 10_000_000 }).default(50_000),
});

const directorySchema = z.strictObject({
  /** Digests whose metainfo is kept. */
  entriesMax: count({ min: 1, max: 10_000_000 }).default(50_000),
  /** Memory for metainfo: 20 bytes for each piece, mostly 1 MiB, and 1 KiB. */
  bytesMax: byteCount({ min: mebibyte }).default(256 * mebibyte),
  /** Folder that keeps it over restarts. Without it, nodes publish again after one. */
  path: absolutePath().optional(),
  /** Secret that publishers must send; without it everybody may publish. */
  publishToken: publishToken().optional(),
});

/** The configuration of the tracker; every key has a default. */
export const trackerConfigSchema = z.strictObject({
  listen: listenSchema.prefault({}),
  announce: announceSchema.prefault({}),
  directory: directorySchema.prefault({}),
});

/** Checked configuration of the tracker. */
export type TrackerConfig = DeepReadonly<z.output<typeof trackerConfigSchema>>;

const intervals: Combination<TrackerConfig> = {
  reads: ["announce.intervalMs", "announce.intervalMinMs"],
  *problemsIn({ announce: { intervalMs, intervalMinMs } }) {
    if (intervalMinMs <= intervalMs) return;
    const message = "is more than announce.intervalMs, want at most as much";
    yield { path: ["announce", "intervalMinMs"], message };
  },
};

/** @throws {ConfigError} with all problems */
export function parseTrackerConfig(
  text: string,
  file: string,
  options: { readonly environment?: Environment } = {},
): TrackerConfig {
  return loadConfig(text, file, trackerConfigSchema, { ...options, combinations: [intervals] });
}
