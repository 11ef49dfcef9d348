import type { z } from "zod";

import type { ConfigProblem } from "./describe-issue.ts";
import type { ConfigPath } from "./yaml-source.ts";

/** What several keys of a configuration must be together. */
export interface Combination<Config> {
  /**
   * Dotted paths of the keys that it reads. It is not judged while one of them is wrong by
   * itself: what stands in its place then is not what somebody wanted.
   */
  readonly reads: readonly string[];
  /** What is wrong, each at the key that is told. */
  readonly problemsIn: (config: Config) => Iterable<ConfigProblem>;
}

/** What loading a configuration has found out so far. */
interface Parsed<Schema extends z.ZodType> {
  readonly schema: Schema;
  readonly value: unknown;
  /** Keys that are wrong by themselves. */
  readonly wrong: readonly ConfigPath[];
}

/**
 * Judges the combinations of keys none of which is wrong by itself, so that they are told
 * together with those that are. zod itself judges only what is right in all its parts.
 */
export function problemsOfCombinations<Schema extends z.ZodType>(
  combinations: readonly Combination<z.output<Schema>>[],
  { schema, value, wrong }: Parsed<Schema>,
): ConfigProblem[] {
  const result = schema.safeParse(wrong.reduce(withoutPath, value));
  // Where a key must be there that has no default.
  if (!result.success) return [];
  const isRight = (key: string) => !wrong.some((path) => areNested(path, key.split(".")));
  return combinations
    .filter(({ reads }) => reads.every(isRight))
    .flatMap(({ problemsIn }) => [...problemsIn(result.data)]);
}

/** A copy without the key; of a list nothing is left, for an entry may need all of its keys. */
function withoutPath(value: unknown, [step, ...rest]: ConfigPath): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]: [string, unknown]) => {
      if (key !== step) return [[key, item]];
      const left = rest.length > 0 ? withoutPath(item, rest) : undefined;
      return left === undefined ? [] : [[key, left]];
    }),
  );
}

/** Whether one of the two is at or below the other. */
function areNested(a: ConfigPath, b: ConfigPath): boolean {
  const length = Math.min(a.length, b.length);
  return a.slice(0, length).every((step, index) => step === b[index]);
}
