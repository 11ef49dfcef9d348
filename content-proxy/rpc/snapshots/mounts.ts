import type { SnapshotStore } from "../../../core/ports/snapshot-store.ts";
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
}): UnaryHandler<MountsRequest, MountsResponse> {
  return async ({ key }) => {
    return { mounts: deps.store.mounts(parseSnapshotName(key)).map(mountMessageOf) };
  };
}
