import { codeOf } from "../errors.ts";
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
 * bytes are only counted, errors become name, message, code, stack and cause.
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

function loggableError(error: Error, depth: number): unknown {
  const errors: unknown = error instanceof AggregateError ? error.errors : undefined;
  return {
    name: error.name,
    message: cut(error.message),
    code: codeOf(error),
    ...(error.stack === undefined ? {} : { stack: cut(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: loggable(error.cause, depth + 1) }),
    ...(errors === undefined ? {} : { errors: loggable(errors, depth + 1) }),
  };
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
