import { readFileSync } from "node:fs";

import { z } from "zod";

import type { Digest } from "../digest.ts";
import type { InfoHash } from "../info-hash.ts";
import type { BlobRecord } from "../ports/blob-store.ts";

const nanoseconds = z
  .string()
  .regex(/^\d{1,20}$/)
  .transform(BigInt);

const recordSchema = z.strictObject({
  size: z.int().min(0),
  createdAt: nanoseconds,
  updatedAt: nanoseconds,
  labels: z.record(z.string(), z.string()),
  provenance: z.enum(["pull", "local"]),
  owned: z.boolean(),
  whole: z.boolean(),
  infoHash: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .transform((text) => text as InfoHash)
    .optional(),
});

/** Renders a record for the file beside its blob. */
export function encodeRecord(record: BlobRecord): string {
  const { size, labels, provenance, owned, whole, infoHash } = record;
  const createdAt = String(record.createdAt);
  const updatedAt = String(record.updatedAt);
  return JSON.stringify({ size, createdAt, updatedAt, labels, provenance, owned, whole, infoHash });
}

/** Reads the record of a blob; `undefined` when there is none or a power cut damaged it. */
export function readRecord(path: string, digest: Digest): BlobRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const { infoHash, ...rest } = parsed.data;
  return { digest, ...rest, ...(infoHash === undefined ? {} : { infoHash }) };
}
