import type { Mount, SnapshotKind, SnapshotRecord } from "../../../core/ports/snapshot-store.ts";
import { containerd } from "../../../protos/gen/snapshots.js";
import { timestampOf } from "../timestamp.ts";
import type { InfoMessage, MountMessage } from "./messages.ts";

const { Kind } = containerd.services.snapshots.v1;

const kinds = {
  view: Kind.VIEW,
  active: Kind.ACTIVE,
  committed: Kind.COMMITTED,
} as const satisfies Record<SnapshotKind, number>;

/** What containerd is told of a snapshot. */
export function infoMessageOf(record: SnapshotRecord): InfoMessage {
  return {
    name: record.name,
    parent: record.parent ?? "",
    kind: kinds[record.kind],
    createdAt: timestampOf(record.createdAt),
    updatedAt: timestampOf(record.updatedAt),
    labels: record.labels,
  };
}

export function mountMessageOf({ type, source, options }: Mount): MountMessage {
  return { type, source, options: [...options] };
}
