import type { BlobWriter } from "../../core/ports/blob-store.ts";
import type { UnaryHandler } from "./handler.ts";
import type { AbortRequest, Empty } from "./messages.ts";

/** Answers containerd.services.content.v1.Content/Abort, also for a ref that is not there. */
export function abortHandler(deps: {
  readonly store: Pick<BlobWriter, "abortIngest">;
}): UnaryHandler<AbortRequest, Empty> {
  return async (request) => {
    await deps.store.abortIngest(request.ref);
    return {};
  };
}
