/**
 * Short names for the messages of containerd.services.snapshots.v1: requests as they are
 * decoded, responses as they may be given to be encoded.
 */
import type { containerd } from "../../../protos/gen/snapshots.js";

export type PrepareRequest = containerd.services.snapshots.v1.PrepareSnapshotRequest;
export type PrepareResponse = containerd.services.snapshots.v1.PrepareSnapshotResponse.$Properties;
export type ViewRequest = containerd.services.snapshots.v1.ViewSnapshotRequest;
export type ViewResponse = containerd.services.snapshots.v1.ViewSnapshotResponse.$Properties;
export type MountsRequest = containerd.services.snapshots.v1.MountsRequest;
export type MountsResponse = containerd.services.snapshots.v1.MountsResponse.$Properties;
export type CommitRequest = containerd.services.snapshots.v1.CommitSnapshotRequest;
export type RemoveRequest = containerd.services.snapshots.v1.RemoveSnapshotRequest;
export type StatRequest = containerd.services.snapshots.v1.StatSnapshotRequest;
export type StatResponse = containerd.services.snapshots.v1.StatSnapshotResponse.$Properties;
export type UpdateRequest = containerd.services.snapshots.v1.UpdateSnapshotRequest;
export type UpdateResponse = containerd.services.snapshots.v1.UpdateSnapshotResponse.$Properties;
export type ListRequest = containerd.services.snapshots.v1.ListSnapshotsRequest;
export type ListResponse = containerd.services.snapshots.v1.ListSnapshotsResponse.$Properties;
export type UsageRequest = containerd.services.snapshots.v1.UsageRequest;
export type UsageResponse = containerd.services.snapshots.v1.UsageResponse.$Properties;
export type CleanupRequest = containerd.services.snapshots.v1.CleanupRequest;
export type InfoMessage = containerd.services.snapshots.v1.Info.$Properties;
export type MountMessage = containerd.services.snapshots.v1.Mount.$Properties;
