import { z } from "zod";

import { type Digest, isDigest } from "../digest.ts";
import { UnavailableError } from "../errors.ts";
import { manifestLengthMax } from "../image-manifest.ts";
import type { ResolvedTag } from "../ports/tag-resolver.ts";

/** What a tag names, and how long ago that was known to be so. */
export interface TagAnswer extends ResolvedTag {
  /** 0 when the registry was asked just now. */
  readonly ageMs: number;
}

const answerSchema = z.object({
  mediaType: z.string().min(1).max(255),
  digest: z.string().refine((text): text is Digest => isDigest(text)),
  size: z.int().min(1).max(manifestLengthMax),
  source: z.enum(["registry", "cluster", "pushed", "stale"]),
  ageMs: z.int().min(0),
});

/** The answer as JSON of `GET /v1/tags`. */
export function renderTagAnswer({ descriptor, source, ageMs }: TagAnswer): unknown {
  const { mediaType, digest, size } = descriptor;
  // JSON has no Infinity: such an age would be read as none, and the answer as nonsense.
  const age = Math.min(Math.round(ageMs), Number.MAX_SAFE_INTEGER);
  return { mediaType, digest, size, source, ageMs: age };
}

/** @throws {UnavailableError} when it is none: a seeder that talks nonsense is no help. */
export function parseTagAnswer(body: Uint8Array): TagAnswer {
  try {
    const { mediaType, digest, size, source, ageMs } = answerSchema.parse(
      JSON.parse(Buffer.from(body).toString("utf8")),
    );
    return { descriptor: { mediaType, digest, size }, source, ageMs };
  } catch (cause) {
    throw new UnavailableError("Cannot read what a seeder says of a tag", { cause });
  }
}
