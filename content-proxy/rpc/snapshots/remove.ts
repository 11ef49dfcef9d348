import type { SnapshotStore } from "../../../core/ports/snapshot-store.ts";
import type { UnaryHandler } from "../handler.ts";
import type { Empty } from "../messages.ts";
import type { RemoveRequest } from "./messages.ts";
import { parseSnapshotName } from "./snapshot-name.ts";

/**
 * Answers containerd.services.snapshots.v1.Snapshots/Remove.
 *
 * @throws {SnapshotNotFoundError} {FailedPreconditionError} {InvalidArgumentError}
 */
export function removeHandler(deps: {
  readonly store: Pick<SnapshotStore, "remove">;
}): UnaryHandler<RemoveRequest, Empty> {
  return async ({ key }) => {
    await deps.store.remove(parseSnapshotName(key));
    return {};
  };
}
