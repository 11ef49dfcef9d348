import type { SnapshotStore } from "../../../core/ports/snapshot-store.ts";
import type { UnaryHandler } from "../handler.ts";
import { parseLabels } from "../labels.ts";
import type { ViewRequest, ViewResponse } from "./messages.ts";
import { mountMessageOf } from "./snapshot-message.ts";
import { parseParent, parseSnapshotName } from "./snapshot-name.ts";

/**
 * Answers containerd.services.snapshots.v1.Snapshots/View.
 *
 * @throws {SnapshotExistsError} {SnapshotNotFoundError} {InvalidArgumentError}
 */
export function viewHandler(deps: {
  readonly store: Pick<SnapshotStore, "view">;
}): UnaryHandler<ViewRequest, ViewResponse> {
  return async ({ key, parent, labels }) => {
    const snapshot = { ...parseParent(parent), labels: parseLabels(labels) };
    const mounts = await deps.store.view(parseSnapshotName(key), snapshot);
    return { mounts: mounts.map(mountMessageOf) };
  };
}
