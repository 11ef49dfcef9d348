import { z } from "zod";

import { absolutePath } from "../../core/config/fields.ts";
import { registryHost } from "../../core/config/registry-schema.ts";
import { areNodeLabels } from "../../core/node-hello.ts";
import { platformsMax } from "../../core/node-task.ts";
import { parsePlatform } from "../../core/platform.ts";

/** Shortest secret that registries may have: as for publishers at trackers. */
export const secretLengthMin = 16;

/** A platform, such as `linux/arm64`. */
const platformName = z.string().refine(isPlatform, {
  error: "is not a platform, want one such as linux/arm64",
});

/** A pattern of references in full: `*` stands for anything, `?` for one character. */
const imagePattern = z.string().min(1).max(600);

/** Section `notifications` of the configuration. */
export const notificationsSchema = z.strictObject({
  /** Whether registries may tell of what was pushed to them. */
  enabled: z.boolean().default(false),
  /** What their `Authorization` header must be, or have as a Bearer token. */
  secret: z.string().min(secretLengthMin).max(1000).optional(),
  /** A file with one; with both, either is good, so that it can be changed bit by bit. */
  secretFile: absolutePath().optional(),
  /** Whether everybody who reaches the seeder may, without a secret. */
  open: z.boolean().default(false),
  /** Which registry their events belong to, whatever host these name; left out: that host. */
  registry: registryHost.optional(),
  /** Images that are fetched are those that one of these fits and none of `exclude`. */
  include: z.array(imagePattern).max(1000).default(["*"]),
  exclude: z.array(imagePattern).max(1000).default([]),
  /** Who gets them. */
  scope: z.enum(["seeders", "nodes"]).default("seeders"),
  /** Platforms of them; left out: those of the nodes, or of the seeder. */
  platforms: z.union([z.literal("all"), z.array(platformName).min(1).max(platformsMax)]).optional(),
  /** Which nodes, where the scope is nodes. */
  nodes: z
    .strictObject({
      /** Labels that a node has. */
      labels: z.record(z.string(), z.string()).refine(areNodeLabels, "are no labels").default({}),
      /** How many of those with the labels. */
      percent: z.number().gt(0).max(100).default(100),
    })
    .prefault({}),
});

function isPlatform(text: string): boolean {
  try {
    return parsePlatform(text).os !== "";
  } catch {
    return false;
  }
}
