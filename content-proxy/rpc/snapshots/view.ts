import type { SnapshotStore } from "../../../core/ports/snapshot-store.ts";
import type { RemoteLayers } from "../../remote-snapshots/remote-layers.ts";
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
  readonly remoteLayers: Pick<RemoteLayers, "settled">;
}): UnaryHandler<ViewRequest, ViewResponse> {
  return async ({ key, parent, labels }, options) => {
    const snapshot = { ...parseParent(parent), labels: parseLabels(labels) };
    if (snapshot.parent !== undefined) await deps.remoteLayers.settled(snapshot.parent, options);
    const mounts = await deps.store.view(parseSnapshotName(key), snapshot);
    return { mounts: mounts.map(mountMessageOf) };
  };
}
