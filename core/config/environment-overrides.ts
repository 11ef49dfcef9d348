import { parse } from "yaml";

import { ConfigError } from "../errors.ts";
import type { ConfigPath } from "./yaml-source.ts";

/** Variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A value that a variable puts in place of one of the file. */
export interface Override {
  readonly variable: string;
  readonly path: ConfigPath;
  readonly value: unknown;
  /** The value before it was read as YAML. */
  readonly text: string;
}

/** `SHOAL_STORE__BUDGET_BYTES` is `store.budgetBytes`. */
const prefix = "SHOAL_";

/** Longest value: a list of 64 seeders with long names, not a file. */
const valueLengthMax = 16_384;

/** Deeper than any key of ours. */
const depthMax = 6;

/**
 * The variables that name a key of the configuration: `SHOAL_`, then the steps of its
 * path in capitals, joined by two underscores. Values are YAML: `7`, `true`, `["a", "b"]`.
 * Where a key wants text, {@link asText} takes what YAML has for a number as it is written.
 *
 * A variable of one step counts only if `topKeys` has it, for Kubernetes makes up
 * variables such as `SHOAL_TRACKER_PORT` from the names of services.
 *
 * @throws {ConfigError} when a value is longer than may be: without it another one would count.
 */
export function overridesIn(environment: Environment, topKeys: readonly string[]): Override[] {
  return Object.entries(environment).flatMap(([variable, text]) => {
    if (!variable.startsWith(prefix) || text === undefined) return [];
    const path = variable.slice(prefix.length).split("__").map(camelCase);
    if (path.length > depthMax || path.includes("")) return [];
    if (path.length === 1 && !topKeys.includes(path[0] ?? "")) return [];
    if (text.length > valueLengthMax) {
      const problem = `has ${text.length} characters, want at most ${valueLengthMax}`;
      throw new ConfigError([`environment:${variable}: ${problem}`]);
    }
    return [{ variable, path, value: valueOf(text), text }];
  });
}

/**
 * The overrides with the text of those numbers and booleans where text is wanted. Who sets a
 * variable from elsewhere cannot put it in quotes: a zone `010` is not to become `10`.
 */
export function asText(
  overrides: readonly Override[],
  isTextWanted: (path: ConfigPath) => boolean,
): readonly Override[] {
  return overrides.map((override) => {
    const { path, text, value } = override;
    const isScalar = typeof value === "number" || typeof value === "boolean";
    return isScalar && isTextWanted(path) ? { ...override, value: text } : override;
  });
}

/** A copy of the configuration with the values of the overrides in it. */
export function withOverrides(config: unknown, overrides: readonly Override[]): unknown {
  return overrides.reduce((result, { path, value }) => replaceAt(result, path, value), config);
}

function replaceAt(config: unknown, [key, ...rest]: ConfigPath, value: unknown): unknown {
  if (key === undefined) return value;
  const object = typeof config === "object" && config !== null ? config : {};
  const before: unknown = Object.entries(object).find(([name]) => name === key)?.[1];
  return { ...object, [key]: replaceAt(before, rest, value) };
}

function camelCase(words: string): string {
  return words.toLowerCase().replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Text that is no YAML, such as `*:7070`, is text. */
function valueOf(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 }) ?? text;
  } catch {
    return text;
  }
}
