import { z } from "zod";

/** The first event. */
const startEventSchema = z.object({
  event: z.literal("start"),
  /** By which the preheat is canceled. */
  id: z.string(),
});

/** How far a blob of the image is. */
const blobEventSchema = z.object({
  event: z.literal("blob"),
  digest: z.string(),
  mediaType: z.string(),
  /** Length in bytes. */
  size: z.number().min(0),
  /** Bytes that the seeder has. */
  bytes: z.number().min(0),
  state: z.enum(["waiting", "fetching", "done", "failed"]),
  /** Why it failed, in one line. */
  problem: z.string().optional(),
});

/** So many nodes get the image now. */
const nodesEventSchema = z.object({ event: z.literal("nodes"), count: z.number().min(0) });

/** How far a node is. */
const nodeEventSchema = z.object({
  event: z.literal("node"),
  /** Its name. */
  node: z.string(),
  state: z.enum(["waiting", "fetching", "paused", "done", "failed", "canceled"]),
  /** Bytes that the node has. */
  bytes: z.number().min(0),
  size: z.number().min(0),
  problem: z.string().optional(),
});

/** The last event. */
const endEventSchema = z.object({
  event: z.literal("end"),
  ok: z.boolean(),
  bytes: z.number().min(0),
  blobs: z.number().min(0),
  nodes: z
    .object({ count: z.number().min(0), done: z.number().min(0), failed: z.number().min(0) })
    .optional(),
  durationMs: z.number().min(0),
  error: z.string().optional(),
});

const eventSchema = z.discriminatedUnion("event", [
  startEventSchema,
  blobEventSchema,
  nodesEventSchema,
  nodeEventSchema,
  endEventSchema,
]);

export type BlobEvent = z.output<typeof blobEventSchema>;
export type NodeEvent = z.output<typeof nodeEventSchema>;
export type EndEvent = z.output<typeof endEventSchema>;

/** What a seeder tells of a preheat under way. */
export type PreheatEvent = z.output<typeof eventSchema>;

/** Reads a line; `undefined` for an event of a kind that a newer seeder may send. */
export function parsePreheatEvent(line: string): PreheatEvent | undefined {
  try {
    return eventSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
