import { z } from "zod";

import { isSecretName } from "../secret.ts";
import { closestWord } from "./closest-word.ts";
import { describeValue } from "./describe-value.ts";
import type { ConfigPath } from "./yaml-source.ts";

/** One thing that is wrong: where, and `what is wrong, what is wanted`. */
export interface ConfigProblem {
  readonly path: ConfigPath;
  readonly message: string;
}

/**
 * Words zod's finding before zod does. For an unknown key it gives the known ones, one a
 * line: {@link problemsOf} compares each unknown key with them.
 */
export const describeIssue: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === "unrecognized_keys") {
    return issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape).join("\n") : "";
  }
  const input = inputOf(issue);
  const key = String(issue.path?.at(-1) ?? "");
  const wrong = input !== undefined && isSecretName(key) ? "does not fit" : describeValue(input);
  return `${wrong}, ${wanted(issue)}`;
};

/** The problems in a finding that {@link describeIssue} has worded. */
export function problemsOf(issue: z.core.$ZodIssue): ConfigProblem[] {
  if (issue.code !== "unrecognized_keys") return [{ path: issue.path, message: issue.message }];
  const known = issue.message.split("\n");
  return issue.keys.map((key) => {
    const meant = closestWord(key, known);
    return {
      path: [...issue.path, key],
      message: meant
        ? `unknown key, did you mean ${JSON.stringify(meant)}`
        : `unknown key, want one of ${known.join(", ")}`,
    };
  });
}

/** The value that is wrong: where kinds are told apart by a key, the value of that key. */
function inputOf(issue: z.core.$ZodRawIssue): unknown {
  if (issue.code !== "invalid_union" || issue.discriminator === undefined) return issue.input;
  const { input, discriminator } = issue;
  if (typeof input !== "object" || input === null) return input;
  return Object.entries(input).find(([key]) => key === discriminator)?.[1];
}

function wanted(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `want ${typeNames[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return wantedOneOf(inputOf(issue), issue.values);
    case "invalid_union":
      if (issue.inclusive === false) return "want another form";
      return issue.options
        ? wantedOneOf(inputOf(issue), issue.options)
        : wantedByAnyOf(issue.errors);
    case "too_small":
      return `want at least ${issue.minimum}${unitOf(issue.origin)}`;
    case "too_big":
      return `want at most ${issue.maximum}${unitOf(issue.origin)}`;
    case "invalid_format":
      return `want the form of ${issue.pattern ?? issue.format}`;
    default:
      return "want another value";
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a whole number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

function wantedOneOf(input: unknown, values: readonly unknown[]): string {
  const words = values.map(String);
  const meant = typeof input === "string" ? closestWord(input, words) : undefined;
  if (meant) return `did you mean ${JSON.stringify(meant)}`;
  return `want ${words.length > 1 ? "one of " : ""}${words.map((word) => JSON.stringify(word)).join(", ")}`;
}

/** Joins what the forms of a union want; each has said so already. */
function wantedByAnyOf(forms: readonly (readonly z.core.$ZodIssue[])[]): string {
  const wishes = forms.flatMap(([issue]) => /, want (.*)$/s.exec(issue?.message ?? "")?.[1] ?? []);
  return wishes.length > 0 ? `want ${[...new Set(wishes)].join(" or ")}` : "want another form";
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " entries" : "";
}
