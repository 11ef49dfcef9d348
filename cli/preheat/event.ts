import { z } from "zod";

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

/** The last event. */
const endEventSchema = z.object({
  event: z.literal("end"),
  ok: z.boolean(),
  bytes: z.number().min(0),
  blobs: z.number().min(0),
  durationMs: z.number().min(0),
  error: z.string().optional(),
});

const eventSchema = z.discriminatedUnion("event", [blobEventSchema, endEventSchema]);

export type BlobEvent = z.output<typeof blobEventSchema>;
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
