import { z } from "zod";

import { UnavailableError } from "../errors.ts";
import { isTag } from "../image-reference.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { Repository } from "../ports/origin.ts";
import { discardBody, readBounded } from "./http-request.ts";
import type { RegistryClient } from "./registry-client.ts";

/** Tags that are asked for at once, and that are taken of one repository. */
const pageLength = 1000;
const tagsMax = 10_000;

/** Longest page: tags have 128 characters at most, but a registry may give all at once. */
const answerLengthMax = 4 * 1024 * 1024;

const answerSchema = z.object({ tags: z.array(z.string()).nullish() });

/**
 * All tags of a repository, page by page; none when there is no such repository.
 *
 * @throws as {@link RegistryClient.request}, and {UnavailableError} for an answer that is none.
 * @see OCI distribution-spec v1.1, "Listing Tags"
 */
export async function readTags(
  { registry, repository }: Repository,
  client: RegistryClient,
  { signal }: Cancellable,
): Promise<readonly string[]> {
  const tags = new Set<string>();
  for (let last: string | undefined; tags.size < tagsMax;) {
    const query = new URLSearchParams({
      n: String(pageLength),
      ...(last !== undefined && { last }),
    });
    const response = await client.request(
      {
        ...{ registry, repository, method: "GET" },
        path: `tags/list?${query.toString()}`,
        headers: { accept: "application/json" },
      },
      { signal },
    );
    if (response.statusCode !== 200) {
      await discardBody(response);
      if (response.statusCode === 404) return [...tags];
      throw new UnavailableError(
        `Cannot list tags of ${registry}/${repository}: it answers ${response.statusCode}`,
      );
    }
    const page = parsePage(await readBounded(response, { lengthMax: answerLengthMax, signal }));
    const countBefore = tags.size;
    for (const tag of page) if (tags.size < tagsMax) tags.add(tag);
    last = page.at(-1);
    // A registry that knows no pages gives all at once, and perhaps again and again.
    if (response.headers["link"] === undefined || tags.size === countBefore) break;
  }
  return [...tags];
}

function parsePage(body: Buffer): readonly string[] {
  try {
    return (answerSchema.parse(JSON.parse(body.toString("utf8"))).tags ?? []).filter(isTag);
  } catch (cause) {
    throw new UnavailableError("Cannot list tags: the registry's answer is none", { cause });
  }
}
