import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { BlobFetcher } from "../blob-fetcher.ts";
import type { BlobReadRequest } from "./read-call.ts";

/** Answers the part of a containerd.services.content.v1.Content/Read that is not here yet. */
export function slowReader(deps: {
  readonly fetcher: Pick<BlobFetcher, "read">;
}): (request: BlobReadRequest, options: Cancellable) => AsyncIterable<Uint8Array> {
  return ({ digest, offset, size }, options) => {
    const end = size === undefined ? Number.MAX_SAFE_INTEGER : offset + size;
    return deps.fetcher.read(digest, { start: offset, end }, options);
  };
}
