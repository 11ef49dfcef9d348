import { z } from "zod";

const reader = z.strictObject({
  /** Milliseconds until the first bytes were read. */
  firstByteMs: z.number(),
  /** The longest time in which it had to wait for more. */
  longestWaitMs: z.number(),
  /** Milliseconds until the last byte was read. */
  wholeMs: z.number(),
});

const schema = z.strictObject({
  /** Bytes by kind of giver. */
  received: z.strictObject({
    peers: z.number(),
    seeders: z.number(),
    webSeeds: z.number(),
    origin: z.number(),
  }),
  /** Milliseconds until the first piece was checked. */
  firstPieceMs: z.number(),
  /** The longest time in which no piece came. */
  longestIdleMs: z.number(),
  reader: reader.optional(),
});

/** How one that reads a blob while it arrives fared. */
export type ReaderReport = z.infer<typeof reader>;

/** What a leecher of ours tells besides when it was done. */
export type LeecherReport = z.infer<typeof schema>;

const pattern = /^report (\{.*\})$/m;

export function reportLine(report: LeecherReport): string {
  return `report ${JSON.stringify(report)}`;
}

/** Finds the report in what a leecher has said; engines of others make none. */
export function findReport(log: string): LeecherReport | undefined {
  const text = pattern.exec(log)?.[1];
  return text === undefined ? undefined : schema.parse(JSON.parse(text));
}
