import { createHash } from "node:crypto";

import { z } from "zod";

import type { Descriptor } from "../../core/descriptor.ts";
import { type Digest, isDigest } from "../../core/digest.ts";
import { isRegistry, isRepository, isTag } from "../../core/image-reference.ts";
import type { Repository } from "../../core/ports/origin.ts";

/** Something that was pushed here and that its registry is still to get. */
export type PushRecord = BlobPush | ManifestPush | TagPush;

/** A blob that the repository should have. */
export interface BlobPush extends Repository {
  readonly kind: "blob";
  readonly descriptor: Descriptor;
  /** Another repository of the same registry that has it, as a client said. */
  readonly mountFrom?: string | undefined;
}

/** A manifest, and what must be in the repository before it. */
export interface ManifestPush extends Repository {
  readonly kind: "manifest";
  readonly descriptor: Descriptor;
  readonly blobs: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
}

/** A tag of a manifest. */
export interface TagPush extends Repository {
  readonly kind: "tag";
  readonly tag: string;
  readonly descriptor: Descriptor;
}

/** What tells one push from another; pushing the same again makes no second one. */
export function pushKeyOf(push: PushRecord): string {
  return keyOf(push, push.kind, push.kind === "tag" ? push.tag : push.descriptor.digest);
}

/** The key of a blob or manifest of that digest in a repository. */
export function keyOf(
  { registry, repository }: Repository,
  kind: PushRecord["kind"],
  name: string,
): string {
  return `${kind} ${registry}/${repository} ${name}`;
}

/** The name of a push for people and files: short, and the same each time. */
export function pushIdOf(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 24);
}

/** Blobs that must stay here until the push has arrived, manifests among them. */
export function digestsOf(push: PushRecord): Digest[] {
  const named = push.kind === "manifest" ? [...push.blobs, ...push.manifests] : [];
  return [push.descriptor, ...named].map(({ digest }) => digest);
}

const descriptorSchema = z.object({
  mediaType: z.string().max(255),
  digest: z.string().refine((text): text is Digest => isDigest(text)),
  size: z.int().min(0),
});

const place = {
  registry: z.string().refine(isRegistry),
  repository: z.string().refine(isRepository),
};

const recordSchema = z.object({
  /** Those of lower numbers were pushed before. */
  sequence: z.int().min(0),
  addedAtMs: z.number(),
  push: z.discriminatedUnion("kind", [
    z.object({
      ...{ kind: z.literal("blob"), ...place, descriptor: descriptorSchema },
      mountFrom: z.string().refine(isRepository).optional(),
    }),
    z.object({
      ...{ kind: z.literal("manifest"), ...place, descriptor: descriptorSchema },
      blobs: z.array(descriptorSchema),
      manifests: z.array(descriptorSchema),
    }),
    z.object({
      ...{ kind: z.literal("tag"), ...place, descriptor: descriptorSchema },
      tag: z.string().refine(isTag),
    }),
  ]),
});

/** A push as it is kept. */
export interface KeptPush {
  readonly sequence: number;
  /** Milliseconds since the Unix epoch. */
  readonly addedAtMs: number;
  readonly push: PushRecord;
}

export function renderPush(kept: KeptPush): string {
  return JSON.stringify(kept);
}

/** The push that a file holds; `undefined` when it is damaged. */
export function parsePush(text: string): KeptPush | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
