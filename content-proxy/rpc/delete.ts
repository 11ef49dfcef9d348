import { parseDigest } from "../../core/digest.ts";
import type { BlobFetcher } from "../blob-fetcher.ts";
import type { UnaryHandler } from "./handler.ts";
import type { DeleteContentRequest, Empty } from "./messages.ts";

/**
 * Answers containerd.services.content.v1.Content/Delete, also for what is not there:
 * containerd's garbage collection ends at the first error.
 *
 * @throws {InvalidArgumentError}
 */
export function deleteHandler(deps: {
  readonly fetcher: Pick<BlobFetcher, "disown">;
}): UnaryHandler<DeleteContentRequest, Empty> {
  return async (request) => {
    await deps.fetcher.disown(parseDigest(request.digest));
    return {};
  };
}
