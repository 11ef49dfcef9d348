import { CodedError, codeOf } from "../core/errors.ts";

/** What a client may read of a failure, in one line: only expected errors tell why. */
export function problemOf(error: unknown): string {
  if (error instanceof CodedError) return error.message;
  return codeOf(error) === "internal" ? "internal error" : codeOf(error).replace("_", " ");
}
