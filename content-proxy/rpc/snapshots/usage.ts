import type { SnapshotStore } from "../../../core/ports/snapshot-store.ts";
import type { UnaryHandler } from "../handler.ts";
import type { UsageRequest, UsageResponse } from "./messages.ts";
import { parseSnapshotName } from "./snapshot-name.ts";

/**
 * Answers containerd.services.snapshots.v1.Snapshots/Usage.
 *
 * @throws {SnapshotNotFoundError} {InvalidArgumentError} {FailedPreconditionError}
 */
export function usageHandler(deps: {
  readonly store: Pick<SnapshotStore, "usage">;
}): UnaryHandler<UsageRequest, UsageResponse> {
  return async ({ key }) => deps.store.usage(parseSnapshotName(key));
}
