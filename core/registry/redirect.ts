import { UnavailableError } from "../errors.ts";

/**
 * Where a redirect leads.
 *
 * @throws {UnavailableError} when that is no HTTP URL, or one without TLS where we came by
 *   TLS. The message does not quote it: it may hold a signature.
 */
export function redirectedUrl(location: string, from: URL): URL {
  const target = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const isHttp = target?.protocol === "https:" || target?.protocol === "http:";
  const isDowngrade = from.protocol === "https:" && target?.protocol === "http:";
  if (target && isHttp && !isDowngrade) return target;
  throw new UnavailableError(`Cannot follow a redirect of ${from.host}`);
}
