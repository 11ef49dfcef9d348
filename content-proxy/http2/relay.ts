import type { ClientConnection } from "./client-connection.ts";
import { encodeHeaderBlock } from "./header-block.ts";
import type { HeaderField } from "./header-field.ts";
import { resetCodes } from "./protocol.ts";
import type { Http2Stream, StreamReceiver } from "./stream.ts";

/**
 * Passes a request on to another connection, and its response back. What one side has not
 * taken yet is not asked of the other, so no more lies between them than a window holds.
 *
 * @returns What takes the rest of the request.
 */
export function relayRequest(
  downstream: Http2Stream,
  {
    fields,
    connection,
  }: {
    readonly fields: readonly HeaderField[];
    readonly connection: ClientConnection;
  },
): StreamReceiver {
  const upstream = connection.open();
  upstream.receiver = relayTo(downstream, upstream);
  upstream.sendHeaders(encodeHeaderBlock(fields.map(acceptable)), downstream.isRemoteEnded);
  return relayTo(upstream, downstream);
}

/** Takes what comes on `from` and sends it on `to`. */
function relayTo(to: Http2Stream, from: Http2Stream): StreamReceiver {
  return {
    headers: (block, endStream) => to.sendHeaders(block, endStream),
    data(bytes, endStream) {
      if (to.isClosed) from.credit(bytes.length);
      else to.sendData(bytes, endStream);
    },
    reset(code) {
      // A server may cut the request off once its response, which must not be lost, is whole.
      if (from.isRemoteEnded && code === resetCodes.noError) return;
      to.reset(code);
    },
    // What `from` has sent came from `to`.
    sent: (length) => to.credit(length),
  };
}

/** Old grpc-go names the path of its socket as authority, at which nghttp2 takes offence. */
function acceptable(field: HeaderField): HeaderField {
  const isPath = field.name === ":authority" && field.value.includes("/");
  return isPath ? { name: field.name, value: "localhost" } : field;
}
