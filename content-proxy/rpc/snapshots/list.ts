import type { SnapshotRecord, SnapshotStore } from "../../../core/ports/snapshot-store.ts";
import { type FilterSubject, compileFilters } from "../../filters/compile-filters.ts";
import type { ServerStreamHandler } from "../handler.ts";
import type { ListRequest, ListResponse } from "./messages.ts";
import { infoMessageOf } from "./snapshot-message.ts";

/** Snapshots in one message, as in containerd's own server. */
const batchLength = 100;

/**
 * Answers containerd.services.snapshots.v1.Snapshots/List. containerd asks for and removes
 * snapshots while the list is still going on.
 *
 * @throws {InvalidArgumentError} when a filter cannot be parsed.
 */
export function listHandler(deps: {
  readonly store: Pick<SnapshotStore, "records">;
}): ServerStreamHandler<ListRequest, ListResponse> {
  return async function* (request) {
    const matches = compileFilters(request.filters);
    let batch: SnapshotRecord[] = [];
    for (const record of deps.store.records()) {
      if (!matches(subjectOf(record))) continue;
      batch.push(record);
      if (batch.length === batchLength) {
        yield { info: batch.map(infoMessageOf) };
        batch = [];
      }
    }
    if (batch.length > 0) yield { info: batch.map(infoMessageOf) };
  };
}

/** What filters see of a snapshot. @see containerd core/snapshots/storage/bolt.go */
function subjectOf(record: SnapshotRecord): FilterSubject {
  return ([field, ...rest]) => {
    switch (field) {
      case "kind":
        return record.kind;
      case "name":
        return record.name;
      case "parent":
        return record.parent ?? "";
      case "labels": {
        const key = rest.join(".");
        return Object.hasOwn(record.labels, key) ? record.labels[key] : undefined;
      }
      default:
        return undefined;
    }
  };
}
