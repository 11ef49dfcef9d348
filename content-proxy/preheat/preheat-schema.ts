import { z } from "zod";

import { count } from "../../core/config/fields.ts";
import { areNodeLabels, isNodeName } from "../../core/node-hello.ts";

/** Section `preheat` of the configuration. */
export const preheatSchema = z.strictObject({
  /** Whether seeders may have this node fetch images before somebody pulls them. */
  enabled: z.boolean().default(true),
  /** Blobs that are fetched so at once, and only while no pull is under way. */
  downloadsMax: count({ min: 1, max: 100 }).default(2),
});

/** Section `node` of the configuration. */
export const nodeSchema = z.strictObject({
  /** Name that seeders know this node by; left out: the name of the machine. */
  name: z
    .string()
    .refine(isNodeName, { error: "is not a name of a node, want letters, digits, dots, dashes" })
    .optional(),
  /** What nodes are chosen by, such as `zone: a`. */
  labels: z
    .record(z.string(), z.string())
    .refine(areNodeLabels, { error: "are no labels, want at most 64 such as Kubernetes takes" })
    .default({}),
});
