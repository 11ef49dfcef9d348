import type { SnapshotStore } from "../../../core/ports/snapshot-store.ts";
import type { RemoteLayers } from "../../remote-snapshots/remote-layers.ts";
import type { UnaryHandler } from "../handler.ts";
import type { MountsRequest, MountsResponse } from "./messages.ts";
import { mountMessageOf } from "./snapshot-message.ts";
import { parseSnapshotName } from "./snapshot-name.ts";

/**
 * Answers containerd.services.snapshots.v1.Snapshots/Mounts, each time a container starts.
 *
 * @throws {SnapshotNotFoundError} {FailedPreconditionError} {InvalidArgumentError}
 */
export function mountsHandler(deps: {
  readonly store: Pick<SnapshotStore, "mounts">;
  readonly remoteLayers: Pick<RemoteLayers, "settled">;
}): UnaryHandler<MountsRequest, MountsResponse> {
  return async (request, options) => {
    const key = parseSnapshotName(request.key);
    await deps.remoteLayers.settled(key, options);
    return { mounts: deps.store.mounts(key).map(mountMessageOf) };
  };
}
