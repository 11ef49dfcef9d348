import type { TagCursor, TagPage } from "../../core/ports/content-discovery.ts";

/**
 * The part of a list that was asked for, of a registry that gave more: Docker's knows no parts
 * before its third version, and gives all tags, in any order.
 *
 * @see OCI distribution-spec v1.1, "Listing Tags": in the order of their characters
 */
export function tagPageOf({ tags, next }: TagPage, { count, last }: TagCursor): TagPage {
  const isFromStart = last !== undefined && tags.includes(last);
  const isTooLong = count !== undefined && tags.length > count;
  if (!isFromStart && !isTooLong) return { tags, next };
  const rest = tags.toSorted().filter((tag) => last === undefined || tag > last);
  const page = rest.slice(0, count);
  const lastGiven = page.at(-1);
  if (page.length === rest.length || lastGiven === undefined)
    return { tags: page, next: undefined };
  return { tags: page, next: { count, last: lastGiven } };
}
