import { type EventEmitter, once } from "node:events";

import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
} from "@grpc/grpc-js";

import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Logger } from "../../core/ports/logger.ts";
import { grpcStatusOf } from "./boundary.ts";
import type { BidiHandler, ServerStreamHandler, UnaryHandler } from "./handler.ts";

/** What the boundary wants to know of a method. */
export interface GrpcMethod {
  readonly method: string;
  readonly logger: Logger;
}

/** Makes a handler one of grpc-js. */
export function unaryCall<Request, Response>(
  handler: UnaryHandler<Request, Response>,
  method: GrpcMethod,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const signal = signalOf(call);
    handler(call.request, { signal }).then(
      (response) => callback(null, response),
      (error: unknown) => callback(grpcStatusOf(error, { ...method, signal })),
    );
  };
}

/** Makes a handler one of grpc-js. */
export function serverStreamCall<Request, Response>(
  handler: ServerStreamHandler<Request, Response>,
  method: GrpcMethod,
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    const signal = signalOf(call);
    void answer(call, handler(call.request, { signal }), { ...method, signal });
  };
}

/** Makes a handler one of grpc-js. The next request is taken when the handler asks for it. */
export function bidiCall<Request, Response>(
  handler: BidiHandler<Request, Response>,
  method: GrpcMethod,
): handleBidiStreamingCall<Request, Response> {
  return (call) => {
    const signal = signalOf(call);
    // Destroying a call would keep its status from being sent, and the caller waiting.
    const requests = call.iterator({ destroyOnReturn: false }) as AsyncIterable<Request>;
    void answer(call, handler(requests, { signal }), { ...method, signal });
  };
}

/** What the calls that answer with a stream have in common. */
interface ResponseStream<Response> extends EventEmitter {
  write(response: Response): boolean;
  end(): void;
}

/** Sends responses as fast as the caller takes them, then the status. */
async function answer<Response>(
  call: ResponseStream<Response>,
  responses: AsyncIterable<Response>,
  context: GrpcMethod & Cancellable,
): Promise<void> {
  const { signal } = context;
  try {
    for await (const response of responses) {
      signal.throwIfAborted();
      if (!call.write(response)) await once(call, "drain", { signal });
    }
    call.end();
  } catch (error) {
    const status = grpcStatusOf(error, context);
    // NOTE: grpc-js sends a status only by this event; destroying the call loses it.
    if (!signal.aborted) call.emit("error", status);
  }
}

/** Is aborted when the caller goes away; after a call has ended that means nothing. */
function signalOf(call: EventEmitter & { readonly cancelled: boolean }): AbortSignal {
  const abort = new AbortController();
  const cancel = () => abort.abort(new DOMException("The caller went away", "AbortError"));
  if (call.cancelled) cancel();
  else call.once("cancelled", cancel);
  return abort.signal;
}
