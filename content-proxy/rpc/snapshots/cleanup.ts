import { abortable } from "../../../core/async/deadline.ts";
import type { SnapshotStore } from "../../../core/ports/snapshot-store.ts";
import type { UnaryHandler } from "../handler.ts";
import type { Empty } from "../messages.ts";
import type { CleanupRequest } from "./messages.ts";

/** Answers containerd.services.snapshots.v1.Snapshots/Cleanup, after each garbage collection. */
export function cleanupHandler(deps: {
  readonly store: Pick<SnapshotStore, "cleanup">;
}): UnaryHandler<CleanupRequest, Empty> {
  return async (_request, { signal }) => {
    await abortable(deps.store.cleanup(), signal);
    return {};
  };
}
