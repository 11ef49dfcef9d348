import type { ImageReference } from "../image-reference.ts";
import { matchesGlob } from "../glob.ts";

/** How long what a tag named may be told without its registry. */
export interface TagBounds {
  /** So long it is told without a question to the registry; 0 asks each time. */
  readonly freshForMs: number;
  /** So long it is told when the registry does not answer; 0 tells nothing then. */
  readonly staleIfErrorMs: number;
}

/** Bounds for the tags that fit all of its patterns, in which `*` and `?` are wild. */
export interface TagRule extends TagBounds {
  /** Host, such as `registry.example.com:5000`. */
  readonly registry?: string | undefined;
  /** Path, such as `team/*`. */
  readonly repository?: string | undefined;
  readonly tag?: string | undefined;
}

const hourMs = 3_600_000;

/** A digest names one thing for ever. */
const boundsOfDigest: TagBounds = { freshForMs: Infinity, staleIfErrorMs: Infinity };

/** Who asks for `latest` wants what is so now, and not what was so this morning. */
const boundsOfLatest: TagBounds = { freshForMs: 0, staleIfErrorMs: 0 };

/** The registry decides what a tag names, and its failure does not stop a cluster at once. */
const boundsDefault: TagBounds = { freshForMs: 0, staleIfErrorMs: 12 * hourMs };

/**
 * The bounds for a reference: those of the first rule that fits it, else the defaults. A rule
 * that names no tag is about all but `latest`: old answers for that must be asked for by name.
 */
export function tagBoundsOf(reference: ImageReference, rules: readonly TagRule[]): TagBounds {
  if (reference.digest !== undefined) return boundsOfDigest;
  const tag = reference.tag ?? "latest";
  const rule = rules.find((one) => isFor(one, { ...reference, tag }));
  if (rule) return { freshForMs: rule.freshForMs, staleIfErrorMs: rule.staleIfErrorMs };
  return tag === "latest" ? boundsOfLatest : boundsDefault;
}

function isFor(rule: TagRule, { registry, repository, tag }: ImageReference & { tag: string }) {
  if (rule.tag === undefined ? tag === "latest" : !matchesGlob(rule.tag, tag)) return false;
  if (rule.registry !== undefined && !matchesGlob(rule.registry, registry)) return false;
  return rule.repository === undefined || matchesGlob(rule.repository, repository);
}
