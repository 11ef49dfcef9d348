import type { Server } from "@grpc/grpc-js";

import type { BlobStore } from "../../core/ports/blob-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Logger } from "../../core/ports/logger.ts";
import { containerd, google } from "../../protos/gen/content.js";
import type { BlobFetcher } from "../blob-fetcher.ts";
import { abortHandler } from "./abort.ts";
import { deleteHandler } from "./delete.ts";
import { bidiCall, serverStreamCall, unaryCall } from "./grpc-call.ts";
import type { UnaryHandler } from "./handler.ts";
import { infoHandler } from "./info.ts";
import { listStatusesHandler } from "./list-statuses.ts";
import { listHandler } from "./list.ts";
import { type Decoder, type Encoder, decode, encode } from "./message-codec.ts";
import { statusHandler } from "./status.ts";
import { updateHandler } from "./update.ts";
import { writeHandler } from "./write.ts";

const servicePath = "/containerd.services.content.v1.Content/";
const v1 = containerd.services.content.v1;
const { Empty } = google.protobuf;

/** What the handlers of the content service work with. */
export interface ContentServiceDeps {
  readonly store: BlobStore;
  readonly fetcher: BlobFetcher;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Adds containerd.services.content.v1.Content to a server; Read is served by the transport. */
export function registerContentService(server: Server, deps: ContentServiceDeps): void {
  const unary = <Request, Response>(
    name: string,
    handler: UnaryHandler<Request, Response>,
    request: Decoder<Request>,
    response: Encoder<Response>,
  ) => {
    const call = unaryCall(handler, { method: name, logger: deps.logger });
    server.register(servicePath + name, call, encode(response), decode(request), "unary");
  };
  unary("Info", infoHandler(deps), v1.InfoRequest, v1.InfoResponse);
  unary("Update", updateHandler(deps), v1.UpdateRequest, v1.UpdateResponse);
  unary("Delete", deleteHandler(deps), v1.DeleteContentRequest, Empty);
  unary("Status", statusHandler(deps), v1.StatusRequest, v1.StatusResponse);
  unary("ListStatuses", listStatusesHandler(deps), v1.ListStatusesRequest, v1.ListStatusesResponse);
  unary("Abort", abortHandler(deps), v1.AbortRequest, Empty);
  server.register(
    `${servicePath}List`,
    serverStreamCall(listHandler(deps), { method: "List", logger: deps.logger }),
    encode(v1.ListContentResponse),
    decode(v1.ListContentRequest),
    "serverStream",
  );
  server.register(
    `${servicePath}Write`,
    bidiCall(writeHandler(deps), { method: "Write", logger: deps.logger }),
    encode(v1.WriteContentResponse),
    decode(v1.WriteContentRequest),
    "bidi",
  );
}
