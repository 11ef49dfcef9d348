import type { IncomingHttpHeaders } from "node:http";

import { isRegistry } from "../../core/image-reference.ts";
import { canonicalRegistry } from "../../core/registry-name.ts";
import { ApiError } from "../../core/oci-api/api-error.ts";
import { type ApiPath, parseApiPath } from "../../core/oci-api/api-path.ts";

/** What a client asks for, and of which registry. */
export interface MirrorRequest {
  /** A host as image references name it; not checked to be one that may be asked. */
  readonly registry: string;
  readonly path: ApiPath;
  readonly query: URLSearchParams;
  /** The path as the client wrote it: links that lead on begin with it. */
  readonly rawPath: string;
}

/** Longest query: `ns`, and where a list of tags goes on. */
const queryLengthMax = 2048;

/** A URL of the registry after one word, as overlaybd's `p2pConfig` writes it. */
const prefixed = /^\/[A-Za-z0-9_-]{1,32}\/https?:\/{1,2}([^/]{1,300})(\/v2(?:\/.*)?)$/;

/**
 * Reads what is asked for. Which registry is meant say, in this order: a URL within the path
 * (`/dadip2p/https://registry/v2/…`); `?ns=`; the headers `OCI-Namespace` and
 * `X-Dragonfly-Registry`; the port (`registryOfPort`); a first component of the name that is a
 * host, because it has a dot or a port; the default.
 *
 * @param url The request target: path and query.
 * @throws {ApiError}
 */
export function parseMirrorRequest(
  { url, headers }: { readonly url: string; readonly headers: IncomingHttpHeaders },
  place: { readonly registryOfPort: string | undefined; readonly defaultRegistry: string },
): MirrorRequest {
  const mark = url.indexOf("?");
  const rawPath = mark === -1 ? url : url.slice(0, mark);
  const search = mark === -1 ? "" : url.slice(mark + 1);
  if (search.length > queryLengthMax)
    throw new ApiError("NAME_INVALID", "Cannot parse so long a query");
  const query = new URLSearchParams(search);
  const within = prefixed.exec(rawPath);
  const told = within?.[1] ?? toldRegistry(query, headers) ?? place.registryOfPort;
  const named = told === undefined ? splitHost(rawPath) : undefined;
  const registry = canonicalRegistry(told ?? named?.host ?? place.defaultRegistry);
  // Not quoted: it may have a login in it, as URLs may.
  if (!isRegistry(registry))
    throw new ApiError("NAME_INVALID", "Cannot parse that registry's name");
  const path = parsePath(within?.[2] ?? named?.rest ?? rawPath);
  return { registry, path: inLibrary(registry, path), query, rawPath };
}

/** A tag that none can have is one that is not there. @see OCI distribution-spec's conformance tests */
function parsePath(text: string): ApiPath {
  try {
    return parseApiPath(text);
  } catch (error) {
    if (!(error instanceof ApiError) || error.apiCode !== "TAG_INVALID") throw error;
    throw new ApiError("MANIFEST_UNKNOWN", error.message, { cause: error });
  }
}

/** What the client tells beside the path. An empty value tells nothing. */
function toldRegistry(query: URLSearchParams, headers: IncomingHttpHeaders): string | undefined {
  const words = [query.get("ns"), headers["oci-namespace"], headers["x-dragonfly-registry"]];
  const told = words.find((word) => typeof word === "string" && word !== "");
  // Dragonfly's header is the URL of the registry.
  return typeof told === "string"
    ? told.replace(/^https?:\/\//, "").replace(/\/+$/, "")
    : undefined;
}

/** `/v2/<host>/<repository>/…`, when there is more than a host before the API's own words. */
function splitHost(rawPath: string): { readonly host: string; readonly rest: string } | undefined {
  const match = /^\/v2\/([^/]{1,300})(\/.+\/.+\/.+)$/.exec(rawPath);
  if (match?.[1] === undefined) return undefined;
  const host = match[1].replace(/%3a/gi, ":").replace(/%5b/gi, "[").replace(/%5d/gi, "]");
  if (host !== "localhost" && !/[.:]/.test(host)) return undefined;
  return { host, rest: `/v2${match[2] ?? ""}` };
}

/** Docker Hub's images of one word are in `library/`. */
function inLibrary(registry: string, path: ApiPath): ApiPath {
  if (registry !== "docker.io" || path.kind === "base" || path.repository.includes("/"))
    return path;
  return { ...path, repository: `library/${path.repository}` };
}
