import type { IncomingMessage, ServerResponse } from "node:http";

import { errorAnswer, type HttpAnswer, jsonAnswer, sendAnswer } from "../core/http/http-answer.ts";
import { type HttpListener, listenHttp } from "../core/http/listen-http.ts";
import type { PeerAddress } from "../core/peer-address.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { ServiceStatus } from "../core/service-status.ts";

/** Connections at once: a person, a probe and a collector or two. */
const connectionsMax = 64;

/** Serves `GET /healthz` and `GET /v1/status`, for people and probes of this machine. */
export async function serveAdmin(
  listen: PeerAddress,
  { status, signal }: Cancellable & { readonly status: () => ServiceStatus },
): Promise<HttpListener> {
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    sendAnswer(response, answerTo(request, status));
  };
  return listenHttp(listen, { connectionsMax, handle, signal });
}

function answerTo(request: IncomingMessage, status: () => ServiceStatus): HttpAnswer {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return errorAnswer("unimplemented", "Cannot do that: want GET", 405);
  }
  switch (request.url?.split("?", 1)[0]) {
    case "/healthz":
      return jsonAnswer(200, { status: "ok" });
    case "/v1/status":
      return jsonAnswer(200, status());
    default:
      return errorAnswer("not_found", "Cannot find that: want /healthz or /v1/status");
  }
}
