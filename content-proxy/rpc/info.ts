import { parseDigest } from "../../core/digest.ts";
import { BlobNotFoundError } from "../../core/errors.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { UnaryHandler } from "./handler.ts";
import { infoMessageOf } from "./info-message.ts";
import type { InfoRequest, InfoResponse } from "./messages.ts";

/**
 * Answers containerd.services.content.v1.Content/Info, from memory: containerd asks
 * inside its database lock. What it was not told of, or deleted, is not there.
 *
 * @throws {InvalidArgumentError} and {BlobNotFoundError}
 */
export function infoHandler(deps: {
  readonly store: Pick<BlobReader, "find">;
}): UnaryHandler<InfoRequest, InfoResponse> {
  return async (request) => {
    const digest = parseDigest(request.digest);
    const record = deps.store.find(digest);
    if (record?.owned !== true) throw new BlobNotFoundError(digest);
    return { info: infoMessageOf(record) };
  };
}
