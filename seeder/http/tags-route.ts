import type { IncomingMessage } from "node:http";

import { ImageNotFoundError, InvalidArgumentError } from "../../core/errors.ts";
import { type HttpAnswer, errorAnswer, jsonAnswer } from "../../core/http/http-answer.ts";
import { formatImageReference, parseImageReference } from "../../core/image-reference.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import { renderTagAnswer } from "../../core/tags/tag-answer.ts";
import type { SeederTags } from "../tags/seeder-tags.ts";

/**
 * Answers `GET /v1/tags?ref=<image reference>&resolve=true|false`: with true, what the reference
 * names now; with false, only what is known here, and nobody is asked.
 *
 * @throws {CodedError}
 */
export async function tagsRoute(
  request: IncomingMessage,
  {
    url,
    tags,
    signal,
  }: Cancellable & { readonly url: URL; readonly tags: Pick<SeederTags, "resolve" | "recall"> },
): Promise<HttpAnswer> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return errorAnswer("unimplemented", "Cannot do that: want GET", 405);
  }
  const reference = parseImageReference(url.searchParams.get("ref") ?? "");
  const answer = isTrue(url.searchParams.get("resolve"))
    ? await tags.resolve(reference, { signal })
    : tags.recall(reference);
  if (!answer) throw new ImageNotFoundError(formatImageReference(reference));
  return jsonAnswer(200, renderTagAnswer(answer));
}

function isTrue(text: string | null): boolean {
  if (text === "true" || text === null) return true;
  if (text === "false") return false;
  throw new InvalidArgumentError('Cannot parse "resolve": want true or false');
}
