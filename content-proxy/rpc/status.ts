import type { BlobWriter } from "../../core/ports/blob-store.ts";
import type { BlobFetcher } from "../blob-fetcher.ts";
import type { UnaryHandler } from "./handler.ts";
import type { StatusRequest, StatusResponse } from "./messages.ts";
import { statusMessageOf } from "./status-message.ts";

/**
 * Answers containerd.services.content.v1.Content/Status.
 *
 * @throws {IngestNotFoundError}
 */
export function statusHandler(deps: {
  readonly store: Pick<BlobWriter, "ingestStatus">;
  readonly fetcher: Pick<BlobFetcher, "progressOf">;
}): UnaryHandler<StatusRequest, StatusResponse> {
  return async (request) => ({
    status: statusMessageOf(deps.store.ingestStatus(request.ref), deps.fetcher),
  });
}
