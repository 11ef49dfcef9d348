import { createDeadline } from "../../../core/async/deadline.ts";
import { codeOf } from "../../../core/errors.ts";
import { jsonAnswer, sendAnswer } from "../../../core/http/http-answer.ts";
import { apiVersionHeader } from "../../../core/oci-api/api-answer.ts";
import { ApiError } from "../../../core/oci-api/api-error.ts";
import type { Cancellable } from "../../../core/ports/cancellable.ts";
import type { ContentDiscovery, TagCursor } from "../../../core/ports/content-discovery.ts";
import type { Repository } from "../../../core/ports/origin.ts";
import type { PushQueue } from "../push-queue.ts";
import { type PushExchange, refuseMethod } from "./push-exchange.ts";

/** What {@link pushedTagsRoute} works with. */
export interface PushedTagsRouteDeps {
  readonly discovery: Pick<ContentDiscovery, "tags">;
  readonly queue: Pick<PushQueue, "tagsOf">;
}

/** Tags on one page, if the client does not ask for fewer. */
const pageLengthMax = 10_000;

/** Tags that the registry is asked for at once. */
const askedMax = 1000;

/** Milliseconds that the registry may take, where there are tags that it does not know yet. */
const listTimeoutMs = 10_000;

/** Answers `GET tags/list`: the tags of the registry, and those that it does not know yet. */
export async function pushedTagsRoute(
  exchange: PushExchange,
  deps: PushedTagsRouteDeps,
): Promise<void> {
  const { request, response, query, registry, repository } = exchange;
  if (request.method !== "GET" && request.method !== "HEAD") refuseMethod("GET");
  const count = countIn(query);
  const last = query.get("last") ?? "";
  const place = { registry, repository, ...(last !== "" && { last }) };
  const tags = (await allTags(place, { ...deps, signal: exchange.signal }))
    .filter((tag) => tag > last)
    .slice(0, count + 1);
  const page = tags.slice(0, count);
  const isMore = tags.length > count && page.length > 0;
  const next = new URLSearchParams({ n: String(count), last: page.at(-1) ?? "" });
  const link = `</v2/${repository}/tags/list?${next.toString()}>; rel="next"`;
  sendAnswer(response, {
    ...jsonAnswer(200, { name: repository, tags: page }),
    headers: { ...apiVersionHeader, ...(isMore && { link }) },
  });
}

/** In the order of their characters, as the API wants it; some before `last` may be among them. */
async function allTags(
  place: Repository & Pick<TagCursor, "last">,
  { discovery, queue, signal }: PushedTagsRouteDeps & Cancellable,
): Promise<string[]> {
  const pushed = queue.tagsOf(place);
  const deadline = createDeadline(signal, pushed.length > 0 ? listTimeoutMs : undefined);
  const tags = new Set(pushed);
  try {
    for await (const tag of tagsThere(place, { discovery, signal: deadline.signal })) tags.add(tag);
  } catch (error) {
    signal.throwIfAborted();
    // What was pushed can be told without the registry.
    if (pushed.length === 0 || codeOf(error) === "internal") throw error;
  } finally {
    deadline[Symbol.dispose]();
  }
  return [...tags].sort();
}

/** The tags that the registry has after `last`, page by page: more than fit on one of ours. */
async function* tagsThere(
  { last, ...place }: Repository & Pick<TagCursor, "last">,
  { discovery, signal }: Pick<PushedTagsRouteDeps, "discovery"> & Cancellable,
): AsyncGenerator<string, void> {
  let count = 0;
  let cursor: TagCursor | undefined = { count: askedMax, last };
  while (cursor && count <= pageLengthMax) {
    const page = await discovery.tags({ ...place, ...cursor }, { signal });
    yield* page.tags;
    count += page.tags.length;
    cursor = page.tags.length > 0 ? page.next : undefined;
  }
}

function countIn(query: URLSearchParams): number {
  const text = query.get("n");
  if (text === null) return pageLengthMax;
  if (!/^[0-9]{1,9}$/.test(text)) {
    throw new ApiError("PAGINATION_NUMBER_INVALID", "Cannot list tags: n is not a number");
  }
  return Math.min(Number(text), pageLengthMax);
}
