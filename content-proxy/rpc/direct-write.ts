import type { Logger } from "../../core/ports/logger.ts";
import { containerd } from "../../protos/gen/content.js";
import { DirectBidiCall } from "./direct-bidi-call.ts";
import type { IngestSessionDeps } from "./ingest-session.ts";
import type { DirectMethod } from "./serve-grpc.ts";
import { writeHandler } from "./write.ts";

const { WriteContentRequest, WriteContentResponse } = containerd.services.content.v1;

/** containerd 1.x sends what its caller hands over in one message, which may be 16 MiB. */
const messageBytesMax = 16 * 1024 * 1024 + 64 * 1024;

/**
 * containerd.services.content.v1.Content/Write on the bare stream, for `direct` of
 * `serveGrpc()`: the bytes of a pull pass here, and save the way through grpc-js.
 */
export function directWrite(
  deps: IngestSessionDeps & { readonly logger: Logger },
): ReadonlyMap<string, DirectMethod> {
  const method = {
    name: "Write",
    handler: writeHandler(deps),
    decode: (message: Buffer) => WriteContentRequest.decode(message),
    encode: (response: Parameters<typeof WriteContentResponse.encode>[0]) =>
      WriteContentResponse.encode(response).finish(),
    messageBytesMax,
    logger: deps.logger,
  };
  return new Map([
    [
      "/containerd.services.content.v1.Content/Write",
      (stream, { timeoutMs }) => new DirectBidiCall(stream, { method, timeoutMs }),
    ],
  ]);
}
