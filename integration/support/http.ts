import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { buffer } from "node:stream/consumers";
import type { Readable } from "node:stream";

/** Where an HTTP server is, and how to get there. */
export interface HttpEndpoint {
  /** Host and port as its users name it. */
  readonly host: string;
  /** A Unix socket that leads there, where the network does not. */
  readonly socketPath?: string | undefined;
}

export interface HttpRequest {
  readonly method?: string;
  /** Path with query; a whole URL is taken as path and query of it. */
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Uint8Array | string | Readable;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Sends a request and collects the answer, whatever its status. Follows no redirects. */
export async function requestHttp(
  endpoint: HttpEndpoint,
  { method = "GET", path, headers = {}, body, signal }: HttpRequest,
): Promise<HttpResponse> {
  const url = new URL(path, `http://${endpoint.host}`);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        method,
        path: url.pathname + url.search,
        headers: { host: endpoint.host, ...headers },
        signal,
        // One connection each: nothing is left open behind a test.
        agent: false,
        ...(endpoint.socketPath === undefined
          ? { host: url.hostname, port: url.port }
          : { socketPath: endpoint.socketPath }),
      },
      (response) => {
        buffer(response).then((received) => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: received });
        }, reject);
      },
    );
    outgoing.once("error", reject);
    if (body === undefined || typeof body === "string" || body instanceof Uint8Array) {
      outgoing.end(body);
    } else {
      body.once("error", (error) => outgoing.destroy(error)).pipe(outgoing);
    }
  });
}
