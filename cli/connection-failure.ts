import { UnavailableError } from "../core/errors.ts";
import { withoutSecrets } from "../core/secret.ts";

/** What to look at when the service that a person named, or did not, is not there. */
export const addressAdvice = "is the service running, and is that its address?";

/**
 * What a service that cannot be talked to is to the person who asked.
 *
 * @param advice Said when nothing listens there.
 */
export function connectionFailure(
  url: string,
  cause: unknown,
  { advice }: { readonly advice?: string } = {},
): UnavailableError {
  const root = rootOf(cause);
  const why = root instanceof Error ? root.message : String(root);
  const isRefused = root instanceof Error && "code" in root && root.code === "ECONNREFUSED";
  const more = isRefused && advice !== undefined ? `; ${advice}` : "";
  return new UnavailableError(`Cannot reach ${withoutSecrets(url)}: ${why}${more}`, { cause });
}

/** fetch() says "fetch failed" and keeps the reason in its cause, or in the errors of that. */
function rootOf(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0]);
  if (!(error instanceof Error) || error.cause === undefined) return error;
  return rootOf(error.cause);
}
