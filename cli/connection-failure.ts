import { UnavailableError } from "../core/errors.ts";
import { withoutSecrets } from "../core/secret.ts";

/** What a service that cannot be talked to is to the person who asked. */
export function connectionFailure(url: string, cause: unknown): UnavailableError {
  return new UnavailableError(`Cannot reach ${withoutSecrets(url)}: ${reasonOf(cause)}`, { cause });
}

/** fetch() says "fetch failed" and keeps the reason in its cause, or in the errors of that. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}
