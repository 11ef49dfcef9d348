import { z } from "zod";

import { absolutePath, count, milliseconds } from "../../core/config/fields.ts";
import { registryHost } from "../../core/config/registry-schema.ts";

/** Who may push to the seeder, and what becomes of it. */
export const pushSchema = z.strictObject({
  /** Whether images may be pushed to the seeder. What was pushed before is written in any case. */
  enabled: z.boolean().default(false),
  /** The registry that images belong to which are pushed here. */
  registry: registryHost.optional(),
  /** A file with the tokens that let their bearers push, one a line. */
  tokenFile: absolutePath().optional(),
  /** Whether everybody who reaches the seeder may push, without a token. */
  open: z.boolean().default(false),
  /** Uploads under way, or waiting to go on. */
  uploadsMax: count({ min: 1, max: 100_000 }).default(500),
  /** How long an upload may wait to go on. */
  uploadIdleMs: milliseconds({ min: 1000 }).default(3_600_000),
  /** Blobs, manifests and tags that may wait for their registries. */
  pushesMax: count({ min: 10, max: 100_000 }).default(10_000),
  /** Of them on their way at once. */
  writesMax: count({ min: 1, max: 64 }).default(4),
});
