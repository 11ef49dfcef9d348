import { SnapshotNotFoundError } from "../../../core/errors.ts";
import type { SnapshotStore } from "../../../core/ports/snapshot-store.ts";
import type { UnaryHandler } from "../handler.ts";
import { updatedLabels } from "../masked-labels.ts";
import type { UpdateRequest, UpdateResponse } from "./messages.ts";
import { infoMessageOf } from "./snapshot-message.ts";
import { parseSnapshotName } from "./snapshot-name.ts";

/**
 * Answers containerd.services.snapshots.v1.Snapshots/Update: labels are all that can change.
 *
 * @throws {SnapshotNotFoundError} {InvalidArgumentError}
 */
export function updateHandler(deps: {
  readonly store: Pick<SnapshotStore, "find" | "label">;
}): UnaryHandler<UpdateRequest, UpdateResponse> {
  return async ({ info, updateMask }) => {
    const name = parseSnapshotName(info?.name ?? "");
    const record = deps.store.find(name);
    if (!record) throw new SnapshotNotFoundError(name);
    const update = { labels: info?.labels ?? {}, paths: updateMask?.paths ?? [] };
    const labels = updatedLabels(record.labels, update);
    return { info: infoMessageOf(await deps.store.label(name, labels)) };
  };
}
