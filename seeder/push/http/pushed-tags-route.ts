import { createDeadline } from "../../../core/async/deadline.ts";
import { codeOf } from "../../../core/errors.ts";
import { jsonAnswer, sendAnswer } from "../../../core/http/http-answer.ts";
import { apiVersionHeader } from "../../../core/oci-api/api-answer.ts";
import { ApiError } from "../../../core/oci-api/api-error.ts";
import type { Cancellable } from "../../../core/ports/cancellable.ts";
import type {
  ContentDiscovery,
  TagCursor,
  TagPage,
} from "../../../core/ports/content-discovery.ts";
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

/** Pages that the registry is asked for: it may give fewer tags on each than it was asked for. */
const pagesMax = 20;

/** Milliseconds that the registry may take for all of them. */
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
  const { signal } = exchange;
  const { tags, isMore: isMoreThere } = await allTags(place, { ...deps, count, signal });
  const after = tags.filter((tag) => tag > last);
  const page = after.slice(0, count);
  const isMore = (isMoreThere || after.length > count) && page.length > 0;
  const next = new URLSearchParams({ n: String(count), last: page.at(-1) ?? "" });
  const link = `</v2/${repository}/tags/list?${next.toString()}>; rel="next"`;
  sendAnswer(response, {
    ...jsonAnswer(200, { name: repository, tags: page }),
    headers: { ...apiVersionHeader, ...(isMore && { link }) },
  });
}

interface WantedTags {
  /** How many are told at most. */
  readonly count: number;
}

/** Tags in the order of their characters, as the API wants it; some before `last` may be among them. */
interface AllTags {
  readonly tags: readonly string[];
  /** Whether there are others, all of them after these. */
  readonly isMore: boolean;
}

async function allTags(
  place: Repository & Pick<TagCursor, "last">,
  { discovery, queue, count, signal }: PushedTagsRouteDeps & Cancellable & WantedTags,
): Promise<AllTags> {
  const pushed = queue.tagsOf(place);
  const deadline = createDeadline(signal, listTimeoutMs);
  const tags = new Set(pushed);
  let end: string | undefined;
  try {
    end = await addTagsThere(tags, place, { discovery, count, signal: deadline.signal });
    signal.throwIfAborted();
  } catch (error) {
    signal.throwIfAborted();
    // What was pushed can be told without the registry.
    if (pushed.length === 0 || codeOf(error) === "internal") throw error;
  } finally {
    deadline[Symbol.dispose]();
  }
  const told = [...tags].filter((tag) => end === undefined || tag <= end);
  return { tags: told.sort(), isMore: end !== undefined };
}

/**
 * Adds the tags that the registry has after `last`, page by page. Gives up to where they were
 * told, if it has more than we ask for, or does not give them.
 */
async function addTagsThere(
  tags: Set<string>,
  { last, ...place }: Repository & Pick<TagCursor, "last">,
  { discovery, count, signal }: Pick<PushedTagsRouteDeps, "discovery"> & Cancellable & WantedTags,
): Promise<string | undefined> {
  let after = 0;
  let cursor: TagCursor = { count: askedMax, last };
  for (let pages = 0; after <= count && pages < pagesMax; pages++) {
    const page = await pageAt({ ...place, ...cursor }, { discovery, isFirst: pages === 0, signal });
    // Who asks again from there is told whether it still does not answer.
    if (!page) return cursor.last;
    for (const tag of page.tags) tags.add(tag);
    after += page.tags.filter((tag) => tag > (last ?? "")).length;
    // One that sends us to where we were would do so without end.
    if (page.tags.length === 0 || !page.next || page.next.last === cursor.last) return undefined;
    cursor = page.next;
  }
  return cursor.last;
}

/** `undefined` when it cannot be had, and what came before it is worth telling. */
async function pageAt(
  from: Repository & TagCursor,
  {
    discovery,
    isFirst,
    signal,
  }: Pick<PushedTagsRouteDeps, "discovery"> & Cancellable & { readonly isFirst: boolean },
): Promise<TagPage | undefined> {
  try {
    return await discovery.tags(from, { signal });
  } catch (error) {
    if (isFirst || codeOf(error) === "internal") throw error;
    return undefined;
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
