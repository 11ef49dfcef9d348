import type { Digest } from "../../core/digest.ts";
import { jsonAnswer, sendAnswer } from "../../core/http/http-answer.ts";
import { isTag } from "../../core/image-reference.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { apiVersionHeader } from "../../core/oci-api/api-answer.ts";
import { ApiError } from "../../core/oci-api/api-error.ts";
import type { ContentDiscovery, TagCursor } from "../../core/ports/content-discovery.ts";
import type { MirrorRequest } from "./mirror-request.ts";
import type { RouteCall } from "./route-call.ts";
import { tagPageOf } from "./tag-page.ts";

/** What these routes work with. */
export interface DiscoveryRouteDeps {
  readonly discovery: ContentDiscovery;
}

/** Longest artifact type: the two names in a media type have at most 127 characters each. */
const artifactTypeLengthMax = 255;

/**
 * Answers `GET /v2/<name>/tags/list`, with `n` and `last`, as the registry does. The link to the
 * next part leads back here.
 *
 * @throws {CodedError}
 */
export async function tagsRoute(
  { query, rawPath }: Pick<MirrorRequest, "query" | "rawPath">,
  call: RouteCall,
  { discovery }: DiscoveryRouteDeps,
): Promise<void> {
  const { registry, repository, authorization, response, signal } = call;
  const cursor = cursorIn(query);
  const asked = { registry, repository, ...cursor };
  const given = await discovery.tags(asked, { authorization, signal });
  const { tags, next } = tagPageOf(given, cursor);
  const answer = jsonAnswer(200, { name: repository, tags });
  const link = next && { link: `<${linkTo(rawPath, query, next)}>; rel="next"` };
  sendAnswer(response, { ...answer, headers: { ...apiVersionHeader, ...link } });
}

/**
 * Answers `GET /v2/<name>/referrers/<digest>`, with `artifactType`, as the registry does.
 *
 * @throws {CodedError}
 */
export async function referrersRoute(
  digest: Digest,
  { query }: Pick<MirrorRequest, "query">,
  { call, deps }: { readonly call: RouteCall; readonly deps: DiscoveryRouteDeps },
): Promise<void> {
  const { registry, repository, authorization, response, signal } = call;
  const artifactType = query.get("artifactType")?.slice(0, artifactTypeLengthMax);
  const { index, isFiltered } = await deps.discovery.referrers(
    { registry, repository, digest, artifactType },
    { authorization, signal },
  );
  sendAnswer(response, {
    status: 200,
    body: index,
    contentType: mediaTypes.ociIndex,
    headers: { ...apiVersionHeader, ...(isFiltered && { "oci-filters-applied": "artifactType" }) },
  });
}

/** @throws {ApiError} */
function cursorIn(query: URLSearchParams): TagCursor {
  const n = query.get("n");
  const last = query.get("last") ?? undefined;
  if (n !== null && !/^[0-9]{1,6}$/.test(n)) {
    throw new ApiError("PAGINATION_NUMBER_INVALID", "Cannot give that many tags: want a number");
  }
  if (last !== undefined && !isTag(last)) throw new ApiError("TAG_INVALID", "Cannot parse last");
  return { ...(n !== null && { count: Number(n) }), last };
}

function linkTo(rawPath: string, query: URLSearchParams, { count, last }: TagCursor): string {
  const next = new URLSearchParams(query);
  if (count !== undefined) next.set("n", String(count));
  if (last !== undefined) next.set("last", last);
  return `${rawPath}?${next.toString()}`;
}
