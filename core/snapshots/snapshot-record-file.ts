import { readFileSync } from "node:fs";

import { z } from "zod";

import type { StoredSnapshot } from "./stored-snapshot.ts";

const nanoseconds = z
  .string()
  .regex(/^\d{1,20}$/)
  .transform(BigInt);

const count = z.int().min(0);

const contentState = z
  .strictObject({ synced: z.boolean(), bootId: z.string(), releasedIn: z.string().optional() })
  .transform(({ releasedIn, ...rest }) => ({
    ...rest,
    ...(releasedIn !== undefined && { releasedIn }),
  }));

const schema = z.strictObject({
  name: z.string().min(1),
  parent: z.string().min(1).optional(),
  kind: z.enum(["view", "active", "committed"]),
  createdAt: nanoseconds,
  updatedAt: nanoseconds,
  labels: z.record(z.string(), z.string()),
  usage: z.strictObject({ size: count, inodes: count }).optional(),
  content: contentState.optional(),
});

/** Renders what is known of a snapshot for the file in its folder. */
export function encodeSnapshot({ record, usage, content }: StoredSnapshot): string {
  const { name, parent, kind, labels } = record;
  const createdAt = String(record.createdAt);
  const updatedAt = String(record.updatedAt);
  return JSON.stringify({ name, parent, kind, createdAt, updatedAt, labels, usage, content });
}

/** Reads the file in a snapshot's folder; `undefined` when there is none that is good. */
export function readSnapshot(path: string, id: number): StoredSnapshot | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) return undefined;
  const { parent, usage, content, ...rest } = parsed.data;
  return {
    id,
    record: { ...rest, ...(parent !== undefined && { parent }) },
    ...(usage && { usage }),
    ...(content && { content }),
  };
}
