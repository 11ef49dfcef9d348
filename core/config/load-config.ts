import { z } from "zod";

import { ConfigError } from "../errors.ts";
import { type Combination, problemsOfCombinations } from "./combination.ts";
import type { DeepReadonly } from "./deep-readonly.ts";
import { type ConfigProblem, describeIssue, problemsOf } from "./describe-issue.ts";
import {
  type Environment,
  type Override,
  asText,
  overridesIn,
  withOverrides,
} from "./environment-overrides.ts";
import { type ConfigPath, YamlSource, formatConfigPath, problemsMax } from "./yaml-source.ts";

/** What counts beside a file. */
interface LoadOptions<Config> {
  readonly environment?: Environment;
  readonly combinations?: readonly Combination<Config>[];
}

/**
 * Parses a YAML configuration and checks it with `schema`.
 *
 * The key `service` at the top says which program the file is for. That is the
 * command's business (`service-of-config.ts`), so a schema need not have it.
 *
 * @param file Name of the file for messages.
 * @param options.environment Variables that stand above the file, see {@link overridesIn}.
 * @param options.combinations What keys must be together, beside what the schema says of each.
 * @throws {ConfigError} with every problem as `file:line:column: path: what is wrong,
 *   what is wanted`; `environment:VARIABLE: path: …` for what a variable brought in.
 */
export function loadConfig<Schema extends z.ZodType>(
  text: string,
  file: string,
  schema: Schema,
  { environment = {}, combinations = [] }: LoadOptions<z.output<Schema>> = {},
): DeepReadonly<z.output<Schema>> {
  const source = new YamlSource(text, file);
  if (source.problems.length > 0) throw new ConfigError(source.problems);
  const topKeys = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const ofFile = withoutService(source.value, topKeys);
  const read = overridesIn(environment, topKeys);
  const { error } = schema.safeParse(withOverrides(ofFile, read));
  const overrides = asText(read, (path) => isTextWanted(error?.issues ?? [], path));
  const value = withOverrides(ofFile, overrides);
  const result = schema.safeParse(value, { error: describeIssue });
  const ownProblems = result.success ? [] : result.error.issues.flatMap(problemsOf);
  const wrong = ownProblems.map(({ path }) => path);
  const together = problemsOfCombinations(combinations, { schema, value, wrong });
  const problems = [...ownProblems, ...together];
  if (result.success && problems.length === 0) return result.data as DeepReadonly<z.output<Schema>>;
  throw new ConfigError(
    problems.slice(0, problemsMax).map((problem) => render(problem, source, overrides)),
  );
}

function isTextWanted(issues: readonly z.core.$ZodIssue[], path: ConfigPath): boolean {
  const wanted = formatConfigPath(path);
  return issues.some(
    (issue) =>
      issue.code === "invalid_type" &&
      issue.expected === "string" &&
      formatConfigPath(issue.path) === wanted,
  );
}

function withoutService(value: unknown, topKeys: readonly string[]): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if (topKeys.includes("service")) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== "service"));
}

function render(
  { path, message }: ConfigProblem,
  source: YamlSource,
  overrides: readonly Override[],
): string {
  const override = overrides.find((candidate) => isBelow(path, candidate.path));
  const place = override ? `environment:${override.variable}` : source.place(path);
  return path.length === 0
    ? `${place}: ${message}`
    : `${place}: ${formatConfigPath(path)}: ${message}`;
}

function isBelow(path: ConfigPath, top: ConfigPath): boolean {
  return top.every((step, index) => path[index] === step);
}
