import type { SnapshotStore } from "../../../core/ports/snapshot-store.ts";
import type { UnaryHandler } from "../handler.ts";
import { parseLabels } from "../labels.ts";
import type { Empty } from "../messages.ts";
import type { CommitRequest } from "./messages.ts";
import { parseParent, parseSnapshotName } from "./snapshot-name.ts";

/**
 * Answers containerd.services.snapshots.v1.Snapshots/Commit. containerd calls it inside a
 * transaction of its database, on which everything else waits.
 *
 * @throws {SnapshotNotFoundError} {SnapshotExistsError} {FailedPreconditionError}
 *   {InvalidArgumentError}
 */
export function commitHandler(deps: {
  readonly store: Pick<SnapshotStore, "commit">;
}): UnaryHandler<CommitRequest, Empty> {
  return async ({ name, key, parent, labels }) => {
    await deps.store.commit(parseSnapshotName(name), {
      key: parseSnapshotName(key),
      ...parseParent(parent),
      labels: parseLabels(labels),
    });
    return {};
  };
}
