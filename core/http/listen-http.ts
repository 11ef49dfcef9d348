import { once } from "node:events";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";

import { type PeerAddress, formatPeerAddress } from "../peer-address.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import { boundHostConnections } from "./host-connections.ts";
import type { HttpAnswer } from "./http-answer.ts";
import { listenErrorFrom } from "./listen-error.ts";
import { type MalformedStatus, answerMalformed } from "./malformed-request.ts";
import { listenOn } from "./wildcard-host.ts";

/** A server that listens. Dispose of it to stop: who is being answered has a moment to go on. */
export interface HttpListener extends AsyncDisposable {
  readonly address: PeerAddress;
}

/** Longest header: an announce is 400 bytes, a scrape of 74 torrents 6 KB. */
const headerLengthMax = 16 * 1024;

/** Milliseconds in which a header must be there: slow senders hold a connection. */
const headersTimeoutMs = 10_000;

/** Milliseconds in which a whole request must be there: 256 KiB at most. */
const requestTimeoutMs = 30_000;

/** Milliseconds that an idle connection stays: nodes look things up over and over. */
const keepAliveTimeoutMs = 75_000;

/** Milliseconds that requests under way may take at the end. */
const drainTimeoutMs = 1000;

/** How a server listens. */
export interface HttpListenOptions extends Cancellable {
  readonly connectionsMax: number;
  /** Of them, those of one host; left out: all. */
  readonly connectionsPerHostMax?: number;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** Requests that may take as long as they like; who answers them bounds that. Left out: none. */
  readonly mayBeLong?: (request: IncomingMessage) => boolean;
  /** What is answered to requests that Node cannot read; left out: no more than a status. */
  readonly malformed?: (status: MalformedStatus) => HttpAnswer;
}

/** Starts to listen; on `::` for IPv4 too. @throws {UnavailableError} when it cannot have the address. */
export async function listenHttp(
  { host, port }: PeerAddress,
  options: HttpListenOptions,
): Promise<HttpListener> {
  options.signal.throwIfAborted();
  const { handle, mayBeLong, malformed } = options;
  const server = createServer(
    {
      connectionsCheckingInterval: headersTimeoutMs / 2,
      headersTimeout: headersTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      maxHeaderSize: headerLengthMax,
      noDelay: true,
      // Node has one bound for all requests of a server.
      requestTimeout: mayBeLong ? 0 : requestTimeoutMs,
    },
    (request, response) => {
      if (mayBeLong && !mayBeLong(request)) boundRequest(request);
      handle(request, response);
    },
  );
  if (malformed) answerMalformed(server, malformed);
  server.maxConnections = options.connectionsMax;
  const { connectionsPerHostMax } = options;
  if (connectionsPerHostMax !== undefined) boundHostConnections(server, connectionsPerHostMax);
  try {
    await listenOn(host, async (at) => {
      server.listen({ host: at, port, exclusive: true });
      await once(server, "listening", { signal: options.signal });
    });
  } catch (error) {
    server.close();
    throw listenErrorFrom(error, formatPeerAddress({ host, port }));
  }
  return { address: addressOf(server), [Symbol.asyncDispose]: () => close(server) };
}

/** Ends the connection of a client whose request is not there in time. */
function boundRequest(request: IncomingMessage): void {
  const { headers } = request;
  if (headers["content-length"] === undefined && headers["transfer-encoding"] === undefined) return;
  const timer = setTimeout(() => request.destroy(), requestTimeoutMs).unref();
  // Closed as soon as all of it is read.
  request.once("close", () => clearTimeout(timer));
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), drainTimeoutMs);
  await closed;
  clearTimeout(cut);
}

function addressOf(server: Server): PeerAddress {
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("Not a TCP server");
  return { host: address.address, port: address.port };
}
