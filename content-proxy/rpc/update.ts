import { parseDigest } from "../../core/digest.ts";
import { BlobNotFoundError } from "../../core/errors.ts";
import type { BlobManager, BlobReader } from "../../core/ports/blob-store.ts";
import type { UnaryHandler } from "./handler.ts";
import { infoMessageOf } from "./info-message.ts";
import { updatedLabels } from "./masked-labels.ts";
import type { UpdateRequest, UpdateResponse } from "./messages.ts";

/**
 * Answers containerd.services.content.v1.Content/Update: labels are all that can change.
 *
 * @throws {InvalidArgumentError} and {BlobNotFoundError}
 */
export function updateHandler(deps: {
  readonly store: Pick<BlobReader, "find"> & Pick<BlobManager, "label">;
}): UnaryHandler<UpdateRequest, UpdateResponse> {
  return async ({ info, updateMask }) => {
    const digest = parseDigest(info?.digest ?? "");
    const record = deps.store.find(digest);
    if (record?.owned !== true) throw new BlobNotFoundError(digest);
    const update = { labels: info?.labels ?? {}, paths: updateMask?.paths ?? [] };
    const labels = updatedLabels(record.labels, update);
    return { info: infoMessageOf(await deps.store.label(digest, labels)) };
  };
}
