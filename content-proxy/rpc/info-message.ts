import type { BlobRecord } from "../../core/ports/blob-store.ts";
import type { containerd } from "../../protos/gen/content.js";
import { timestampOf } from "./timestamp.ts";

/** What containerd is told of a blob. */
export function infoMessageOf(record: BlobRecord): containerd.services.content.v1.Info.$Properties {
  return {
    digest: record.digest,
    size: record.size,
    createdAt: timestampOf(record.createdAt),
    updatedAt: timestampOf(record.updatedAt),
    labels: record.labels,
  };
}
