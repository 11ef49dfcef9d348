import type { BlobWriter } from "../../core/ports/blob-store.ts";
import type { BlobFetcher } from "../blob-fetcher.ts";
import { compileFilters } from "../filters/compile-filters.ts";
import type { UnaryHandler } from "./handler.ts";
import type { ListStatusesRequest, ListStatusesResponse } from "./messages.ts";
import { statusMessageOf } from "./status-message.ts";

/**
 * Answers containerd.services.content.v1.Content/ListStatuses: all ingests, being written or not.
 *
 * @throws {InvalidArgumentError} when a filter cannot be parsed.
 */
export function listStatusesHandler(deps: {
  readonly store: Pick<BlobWriter, "ingests">;
  readonly fetcher: Pick<BlobFetcher, "progressOf">;
}): UnaryHandler<ListStatusesRequest, ListStatusesResponse> {
  return async (request) => {
    const matches = compileFilters(request.filters);
    const ingests = [...deps.store.ingests()].filter(({ ref }) =>
      matches(([field]) => (field === "ref" ? ref : undefined)),
    );
    return { statuses: ingests.map((ingest) => statusMessageOf(ingest, deps.fetcher)) };
  };
}
