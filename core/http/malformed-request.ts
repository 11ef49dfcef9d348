import { type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

import type { HttpAnswer } from "./http-answer.ts";

/** What is wrong with a request that is none: its form, its slowness, the length of its head. */
export type MalformedStatus = 400 | 408 | 431;

/**
 * Answers requests that Node cannot read in the words of a server's own API, and closes their
 * connections. What is under way on the same connection is cut: an answer in its middle would be
 * taken for a part of it.
 */
export function answerMalformed(
  server: Server,
  render: (status: MalformedStatus) => HttpAnswer,
): void {
  /** Answers under way. */
  const busy = new WeakMap<Duplex, number>();
  server.on("request", ({ socket }, response) => {
    busy.set(socket, (busy.get(socket) ?? 0) + 1);
    response.once("close", () => {
      busy.set(socket, (busy.get(socket) ?? 1) - 1);
    });
  });
  server.on("clientError", (error, socket) => {
    if (!socket.writable || (busy.get(socket) ?? 0) > 0) socket.destroy();
    else socket.end(renderRaw(render(statusOf(error))));
  });
}

function statusOf(error: Error): MalformedStatus {
  const code = "code" in error ? error.code : undefined;
  if (code === "HPE_HEADER_OVERFLOW") return 431;
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
}

/** Without Node's own classes: there is no request that they could belong to. */
function renderRaw({ status, body, contentType, headers }: HttpAnswer): Buffer {
  const bytes = Buffer.from(body);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${bytes.byteLength}`,
    ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    "Connection: close",
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), bytes]);
}
