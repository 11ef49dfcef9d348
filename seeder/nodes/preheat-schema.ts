import { z } from "zod";

import { count, milliseconds } from "../../core/config/fields.ts";

/** Nodes that fetch at once, where the file does not say. */
export const nodesAtOnceDefault = 200;

/** Section `preheat` of the configuration. */
export const preheatSchema = z.strictObject({
  /** Nodes that may wait for tasks, each with a connection of its own beside `connectionsMax`. */
  nodesMax: count({ min: 0, max: 1_000_000 }).default(20_000),
  /** Nodes that fetch at once, over all preheats: pulls need room beside them. */
  nodesAtOnce: count({ min: 1, max: 10_000 }).default(nodesAtOnceDefault),
  /** How long one node may take. */
  nodeTimeoutMs: milliseconds({ min: 1000 }).default(1_800_000),
});
