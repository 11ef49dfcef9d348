import { status } from "@grpc/grpc-js";

import { UnavailableError } from "../../core/errors.ts";
import { callSocket } from "./call-socket.ts";
import { snapshotterId } from "./snapshotter-change.ts";

/**
 * Asks a content store on a Unix socket for a blob that cannot be.
 *
 * @throws {UnavailableError} when nobody answers as a content store does.
 */
export async function probeContentStore(socket: string): Promise<void> {
  // `InfoRequest` with the digest "x": what no store has, and every one refuses.
  const request = Buffer.from([0x0a, 0x01, 0x78]);
  const method = "/containerd.services.content.v1.Content/Info";
  const answer = await callSocket(socket, { method, request });
  if (answer.code === status.INVALID_ARGUMENT || answer.code === status.NOT_FOUND) return;
  throw new UnavailableError(answer.code === status.OK ? "it is no content store" : answer.details);
}

/**
 * Asks a snapshotter on a Unix socket for a snapshot that cannot be.
 *
 * @throws {UnavailableError} when nobody answers as a snapshotter does.
 */
export async function probeSnapshotter(socket: string): Promise<void> {
  // `StatSnapshotRequest` with the key "x", which containerd never uses: its keys have a namespace.
  const id = Buffer.from(snapshotterId);
  const request = Buffer.from([0x0a, id.length, ...id, 0x12, 0x01, 0x78]);
  const method = "/containerd.services.snapshots.v1.Snapshots/Stat";
  const answer = await callSocket(socket, { method, request });
  if (answer.code === status.NOT_FOUND) return;
  throw new UnavailableError(answer.code === status.OK ? "it is no snapshotter" : answer.details);
}
