import type { Server } from "@grpc/grpc-js";

import type { Logger } from "../../../core/ports/logger.ts";
import type { SnapshotStore } from "../../../core/ports/snapshot-store.ts";
import { containerd, google } from "../../../protos/gen/snapshots.js";
import type { RemoteLayers } from "../../remote-snapshots/remote-layers.ts";
import { serverStreamCall, unaryCall } from "../grpc-call.ts";
import type { UnaryHandler } from "../handler.ts";
import { type Decoder, type Encoder, decode, encode } from "../message-codec.ts";
import { cleanupHandler } from "./cleanup.ts";
import { commitHandler } from "./commit.ts";
import { listHandler } from "./list.ts";
import { mountsHandler } from "./mounts.ts";
import { prepareHandler } from "./prepare.ts";
import { removeHandler } from "./remove.ts";
import { statHandler } from "./stat.ts";
import { updateHandler } from "./update.ts";
import { usageHandler } from "./usage.ts";
import { viewHandler } from "./view.ts";

const servicePath = "/containerd.services.snapshots.v1.Snapshots/";
const v1 = containerd.services.snapshots.v1;
const { Empty } = google.protobuf;

/** What the handlers of the snapshots service work with. */
export interface SnapshotsServiceDeps {
  readonly store: SnapshotStore;
  readonly remoteLayers: RemoteLayers;
  readonly logger: Logger;
}

/** Adds containerd.services.snapshots.v1.Snapshots to a server. */
export function registerSnapshotsService(server: Server, deps: SnapshotsServiceDeps): void {
  const unary = <Request, Response>(
    name: string,
    handler: UnaryHandler<Request, Response>,
    request: Decoder<Request>,
    response: Encoder<Response>,
  ) => {
    const call = unaryCall(handler, { method: name, logger: deps.logger });
    server.register(servicePath + name, call, encode(response), decode(request), "unary");
  };
  const { PrepareSnapshotRequest, PrepareSnapshotResponse } = v1;
  unary("Prepare", prepareHandler(deps), PrepareSnapshotRequest, PrepareSnapshotResponse);
  unary("View", viewHandler(deps), v1.ViewSnapshotRequest, v1.ViewSnapshotResponse);
  unary("Mounts", mountsHandler(deps), v1.MountsRequest, v1.MountsResponse);
  unary("Commit", commitHandler(deps), v1.CommitSnapshotRequest, Empty);
  unary("Remove", removeHandler(deps), v1.RemoveSnapshotRequest, Empty);
  unary("Stat", statHandler(deps), v1.StatSnapshotRequest, v1.StatSnapshotResponse);
  unary("Update", updateHandler(deps), v1.UpdateSnapshotRequest, v1.UpdateSnapshotResponse);
  unary("Usage", usageHandler(deps), v1.UsageRequest, v1.UsageResponse);
  unary("Cleanup", cleanupHandler(deps), v1.CleanupRequest, Empty);
  server.register(
    `${servicePath}List`,
    serverStreamCall(listHandler(deps), { method: "List", logger: deps.logger }),
    encode(v1.ListSnapshotsResponse),
    decode(v1.ListSnapshotsRequest),
    "serverStream",
  );
}
