import { systemCodeOf } from "../core/disk/storage-error.ts";
import { CodedError } from "../core/errors.ts";
import type { LogFields } from "../core/ports/logger.ts";

/** What the system says of a machine that somebody can mend; anything else may be a mistake of ours. */
const mendableCodes = new Set([
  ...["EADDRINUSE", "EADDRNOTAVAIL", "EACCES", "EPERM", "ENOENT", "ENOTDIR", "EISDIR"],
  ...["EROFS", "ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE", "EEXIST", "ELOOP", "ENAMETOOLONG"],
  ...["ENOTFOUND", "EAI_AGAIN"],
]);

/** Causes of causes that are told: a chain is short, unless it is a circle. */
const causesMax = 5;

/**
 * What a service logs when it fails. What somebody can mend needs no stack, but the reasons
 * down to the one that names the path or the port: the stack is for mistakes of ours.
 */
export function failureFields(error: unknown): LogFields {
  const code = mendableCodeOf(error);
  return code === undefined ? { error } : { code, problem: problemOf(error) };
}

function mendableCodeOf(error: unknown): string | undefined {
  if (error instanceof CodedError) return error.code === "internal" ? undefined : error.code;
  const code = systemCodeOf(error);
  return mendableCodes.has(code) ? code : undefined;
}

/** The messages along the chain of causes; one that was said already is not repeated. */
function problemOf(error: unknown): string {
  const told: string[] = [];
  let cause = error;
  for (let depth = 0; depth <= causesMax && cause instanceof Error; depth++) {
    // A connection that failed by several addresses has a code and no message.
    const message = cause.message || systemCodeOf(cause);
    if (!told.some((text) => text.includes(message))) told.push(message);
    cause = cause.cause;
  }
  return told.join(": ");
}
