import { z } from "zod";

import { milliseconds } from "./fields.ts";

/** Rules that are looked through for each tag. */
const rulesMax = 100;

const pattern = z.string().min(1).max(255).optional();

const ruleSchema = z.strictObject({
  /** Patterns, in which `*` and `?` are wild; what is left out fits all. */
  registry: pattern,
  repository: pattern,
  /** Left out: all tags but `latest`. */
  tag: pattern,
  /** So long a tag is told without a question to the registry; 0 asks each time. */
  freshForMs: milliseconds(),
  /** So long it is told when the registry does not answer; 0 tells nothing then. */
  staleIfErrorMs: milliseconds(),
});

/** What tags name, and how long that holds without the registry. */
export const tagsSchema = z.strictObject({
  /** The first one that fits decides. */
  rules: z.array(ruleSchema).max(rulesMax).default([]),
  /** A registry that is silent for so long counts as down, where an older answer may be told. */
  outageAfterMs: milliseconds({ min: 100, max: 60_000 }).default(1500),
});
