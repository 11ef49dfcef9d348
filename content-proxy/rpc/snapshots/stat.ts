import { SnapshotNotFoundError } from "../../../core/errors.ts";
import type { SnapshotStore } from "../../../core/ports/snapshot-store.ts";
import type { UnaryHandler } from "../handler.ts";
import type { StatRequest, StatResponse } from "./messages.ts";
import { infoMessageOf } from "./snapshot-message.ts";
import { parseSnapshotName } from "./snapshot-name.ts";

/**
 * Answers containerd.services.snapshots.v1.Snapshots/Stat.
 *
 * @throws {SnapshotNotFoundError} {InvalidArgumentError}
 */
export function statHandler(deps: {
  readonly store: Pick<SnapshotStore, "find">;
}): UnaryHandler<StatRequest, StatResponse> {
  return async ({ key }) => {
    const record = deps.store.find(parseSnapshotName(key));
    if (!record) throw new SnapshotNotFoundError(key);
    return { info: infoMessageOf(record) };
  };
}
