import type { IngestStatus } from "../../core/ports/blob-store.ts";
import type { containerd } from "../../protos/gen/content.js";
import type { BlobFetcher } from "../blob-fetcher.ts";
import { parsePullRef } from "./pull-ref.ts";
import { timestampOf } from "./timestamp.ts";

/**
 * What containerd is told of an ingest. While the swarm brings the blob that it waits
 * for, the bytes that came are shown: containerd takes a pull without progress for stuck.
 */
export function statusMessageOf(
  ingest: IngestStatus,
  fetcher: Pick<BlobFetcher, "progressOf">,
): containerd.services.content.v1.Status.$Properties {
  const { ref, offset, total, startedAt, updatedAt } = ingest;
  const pull = parsePullRef(ref);
  const arrived = pull ? (fetcher.progressOf(pull.digest) ?? 0) : 0;
  return {
    ref,
    offset: Math.max(offset, arrived),
    total,
    startedAt: timestampOf(startedAt),
    updatedAt: timestampOf(updatedAt),
  };
}
