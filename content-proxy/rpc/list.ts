import type { BlobReader, BlobRecord } from "../../core/ports/blob-store.ts";
import { type FilterSubject, compileFilters } from "../filters/compile-filters.ts";
import type { ServerStreamHandler } from "./handler.ts";
import { infoMessageOf } from "./info-message.ts";
import type { ListContentRequest, ListContentResponse } from "./messages.ts";

/** Blobs in one message, as in containerd's own server. */
const batchLength = 100;

/**
 * Answers containerd.services.content.v1.Content/List: what containerd was told of, for
 * it deletes everything else. It deletes while the list is still going on.
 *
 * @throws {InvalidArgumentError} when a filter cannot be parsed.
 */
export function listHandler(deps: {
  readonly store: Pick<BlobReader, "records">;
}): ServerStreamHandler<ListContentRequest, ListContentResponse> {
  return async function* (request) {
    const matches = compileFilters(request.filters);
    let batch: BlobRecord[] = [];
    for (const record of deps.store.records()) {
      if (!record.owned || !matches(subjectOf(record))) continue;
      batch.push(record);
      if (batch.length === batchLength) {
        yield { info: batch.map(infoMessageOf) };
        batch = [];
      }
    }
    if (batch.length > 0) yield { info: batch.map(infoMessageOf) };
  };
}

/** What filters see of a blob. @see containerd core/content/adaptor.go */
function subjectOf(record: BlobRecord): FilterSubject {
  return ([field, ...rest]) => {
    if (field === "digest") return record.digest;
    if (field !== "labels") return undefined;
    const key = rest.join(".");
    return Object.hasOwn(record.labels, key) ? record.labels[key] : undefined;
  };
}
