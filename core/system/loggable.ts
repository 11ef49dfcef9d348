import { CodedError, codeOf } from "../errors.ts";
import { hidden, isSecretName, withoutSecrets } from "../secret.ts";

/** Longest text of one field: a stack fits, a page of HTML does not. */
const textLengthMax = 2000;

/** Entries of a list or object that are shown. */
const entriesMax = 50;

/** Levels of nesting that are shown, errors and their causes counted too. */
const depthMax = 5;

/**
 * A value as it may stand in a log line: small, JSON, and without credentials.
 *
 * Fields with names like `authorization` are hidden, URLs lose user info and query,
 * bytes are only counted, errors become name, message, code, stack and cause. A stack is for
 * mistakes of ours: an operating error has none, nor has what the system said for its reason.
 */
export function loggable(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case "string":
      return cut(value);
    case "bigint":
      return value.toString();
    case "object":
      return value === null ? null : loggableObject(value, depth);
    case "function":
    case "symbol":
      return `[${typeof value}]`;
    default:
      return value;
  }
}

function cut(text: string): string {
  const safe = withoutSecrets(text);
  return safe.length > textLengthMax ? `${safe.slice(0, textLengthMax)}…` : safe;
}

function loggableObject(value: object, depth: number): unknown {
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (value instanceof URL) return cut(value.href);
  if (value instanceof Date) return value;
  if (depth >= depthMax) return "[…]";
  if (value instanceof Error) return loggableError(value, depth);
  if (value instanceof Map) return loggableEntries(value, depth);
  if (Array.isArray(value) || value instanceof Set) {
    return [...(value as Iterable<unknown>)]
      .slice(0, entriesMax)
      .map((item) => loggable(item, depth + 1));
  }
  return loggableEntries(Object.entries(value), depth);
}

/** @param explained Whether it is the reason of an operating error. */
function loggableError(error: Error, depth: number, { explained = false } = {}): unknown {
  const isExpected = error instanceof CodedError ? error.code !== "internal" : explained;
  const stack = isExpected && isKnownKind(error) ? undefined : error.stack;
  const below = (reason: unknown): unknown =>
    reason instanceof Error && depth + 1 < depthMax
      ? loggableError(reason, depth + 1, { explained: isExpected })
      : loggable(reason, depth + 1);
  return {
    name: error.name,
    message: cut(error.message),
    code: codeOf(error),
    ...(stack === undefined ? {} : { stack: cut(stack) }),
    ...(error.cause === undefined ? {} : { cause: below(error.cause) }),
    ...(error instanceof AggregateError
      ? { errors: error.errors.slice(0, entriesMax).map(below) }
      : {}),
  };
}

/** Whether a call to the system failed, or all of several; a `TypeError` may be a mistake of ours. */
function isKnownKind(error: Error): boolean {
  return error instanceof CodedError || "syscall" in error || error instanceof AggregateError;
}

function loggableEntries(entries: Iterable<[unknown, unknown]>, depth: number): object {
  const shown: [string, unknown][] = [];
  for (const [key, item] of entries) {
    if (shown.length === entriesMax) break;
    const name = String(key);
    shown.push([name, isSecretName(name) ? hidden : loggable(item, depth + 1)]);
  }
  return Object.fromEntries(shown);
}
