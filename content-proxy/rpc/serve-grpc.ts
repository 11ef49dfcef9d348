import type { Socket } from "node:net";

import { Server, ServerCredentials, type ConnectionInjector } from "@grpc/grpc-js";

import { DisposeStack } from "../../core/async/dispose-stack.ts";
import type { Logger } from "../../core/ports/logger.ts";
import { ClientConnection } from "../http2/client-connection.ts";
import type { HeaderField } from "../http2/header-field.ts";
import { createInProcessPair } from "../http2/in-process-pair.ts";
import { relayRequest } from "../http2/relay.ts";
import { fieldValue } from "../http2/request-fields.ts";
import { ServerConnection } from "../http2/server-connection.ts";
import type { Http2Stream, StreamReceiver } from "../http2/stream.ts";
import { parseTimeoutMs } from "./grpc-wire.ts";
import { listenPrivately } from "./private-socket.ts";
import { ReadCall, type ReadCallDeps } from "./read-call.ts";

/** Starts a call on the bare stream. */
export type DirectMethod = (
  stream: Http2Stream,
  options: { readonly timeoutMs: number | undefined },
) => StreamReceiver;

const readPath = "/containerd.services.content.v1.Content/Read";

/** Largest message, both ways: what containerd sends and takes, and room for its envelope. */
const messageBytesMax = 16 * 1024 * 1024 + 64 * 1024;

/** What calls that are under way get to come to their end. */
const drainMsDefault = 5000;

export interface ServeGrpcDeps extends ReadCallDeps {
  /** Where to listen. What a dead process left there is removed. Only the owner may connect. */
  readonly socketPath: string;
  /** Adds every service; of containerd's Content all methods but Read, which never get there. */
  readonly register: (server: Server) => void;
  /** Methods that are answered on the bare stream, as Read is, by path. */
  readonly direct?: ReadonlyMap<string, DirectMethod>;
  /** How long disposing waits for calls under way before it cuts them. */
  readonly drainMs?: number;
  readonly logger: Logger;
}

/**
 * Serves gRPC on a Unix socket, until the result is disposed of.
 *
 * containerd unpacks a layer by one Read for every 32 KiB, one after the other, so the time
 * of a Read is the time of an unpack. Reads are therefore answered on our own HTTP/2
 * connection; all other calls of the connection are passed on to a server of grpc-js.
 *
 * @throws {Error} when the socket cannot be had. Nothing is left open then.
 */
export async function serveGrpc(deps: ServeGrpcDeps): Promise<AsyncDisposable> {
  const server = new Server({
    "grpc.max_receive_message_length": messageBytesMax,
    "grpc.max_send_message_length": messageBytesMax,
  });
  deps.register(server);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const connections = new Set<SplitConnection>();
  const stack = new DisposeStack();
  stack.defer(() => {
    injector.destroy();
    server.forceShutdown();
  });
  try {
    const listener = await listenPrivately(deps.socketPath, (socket) => {
      const connection = new SplitConnection(socket, { deps, injector });
      connections.add(connection);
      socket.once("close", () => connections.delete(connection));
    });
    stack.defer(() => drain(connections, deps.drainMs ?? drainMsDefault));
    stack.use(listener);
  } catch (error) {
    await stack.disposeAfter(error);
  }
  return stack;
}

async function drain(connections: ReadonlySet<SplitConnection>, drainMs: number): Promise<void> {
  const all = [...connections];
  for (const connection of all) connection.drain();
  const timer = setTimeout(() => {
    for (const connection of all) connection.destroy();
  }, drainMs);
  await Promise.all(all.map(({ closed }) => closed));
  clearTimeout(timer);
}

/** A connection of containerd's, whose Reads are answered here and whose other calls are not. */
class SplitConnection {
  /** Settled when the connection is over. */
  readonly closed: Promise<void>;
  readonly #deps: ServeGrpcDeps;
  readonly #injector: ConnectionInjector;
  readonly #connection: ServerConnection;
  /** Made for the first call that is passed on, and made anew when it is lost. */
  #upstream: ClientConnection | undefined;

  constructor(
    socket: Socket,
    { deps, injector }: { readonly deps: ServeGrpcDeps; readonly injector: ConnectionInjector },
  ) {
    this.#deps = deps;
    this.#injector = injector;
    let isClosed: () => void = () => undefined;
    this.closed = new Promise((resolve) => (isClosed = resolve));
    this.#connection = new ServerConnection({
      socket,
      accept: (stream, fields) => this.#accept(stream, fields),
      closed: (error) => {
        if (error) deps.logger.warn("gRPC connection failed", { error });
        this.#upstream?.destroy();
        isClosed();
      },
    });
  }

  drain(): void {
    this.#connection.drain();
  }

  destroy(): void {
    this.#connection.destroy();
  }

  #accept(stream: Http2Stream, fields: readonly HeaderField[]): StreamReceiver {
    const path = isGrpc(fields) ? fieldValue(fields, ":path") : undefined;
    const direct = path === undefined ? undefined : this.#deps.direct?.get(path);
    if (path !== readPath && !direct) {
      return relayRequest(stream, { fields, connection: this.#openUpstream() });
    }
    const timeoutMs = parseTimeoutMs(fieldValue(fields, "grpc-timeout"));
    if (direct) return direct(stream, { timeoutMs });
    return new ReadCall(stream, { deps: this.#deps, timeoutMs });
  }

  #openUpstream(): ClientConnection {
    if (this.#upstream?.isUsable) return this.#upstream;
    const [ours, theirs] = createInProcessPair();
    this.#injector.injectConnection(theirs);
    this.#upstream = new ClientConnection({ socket: ours });
    return this.#upstream;
  }
}

/** Whatever is not in order is left to grpc-js, which knows how to say so. */
function isGrpc(fields: readonly HeaderField[]): boolean {
  return (
    fieldValue(fields, ":method") === "POST" &&
    fieldValue(fields, "content-type")?.startsWith("application/grpc") === true
  );
}
