import { readFile } from "node:fs/promises";
import { connect } from "node:net";

import { requestHttp, type HttpEndpoint } from "./http.ts";
import { pollUntil } from "./poll.ts";

/** Resolves when a daemon can be used. Stops looking when the signal is aborted. */
export type ReadinessProbe = (options: { readonly signal: AbortSignal }) => Promise<unknown>;

/** The signal bounds the probes: whoever starts a daemon knows how long it may take. */
const withinMs = Number.POSITIVE_INFINITY;

/** Ready when something accepts connections at a Unix socket. */
export function acceptsConnections(socketPath: string): ReadinessProbe {
  return ({ signal }) =>
    pollUntil(() => canConnect(socketPath), { what: `socket ${socketPath}`, withinMs, signal });
}

function canConnect(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Ready when an HTTP server gives any answer below 500 to a GET of `path`. */
export function answersHttp(endpoint: HttpEndpoint, path: string): ReadinessProbe {
  const check = async () => {
    try {
      return (await requestHttp(endpoint, { path })).status < 500;
    } catch {
      return false;
    }
  };
  return ({ signal }) =>
    pollUntil(check, { what: `${endpoint.host} to answer ${path}`, withinMs, signal });
}

/** Ready when the log has a line that matches; what the probe resolves with is the match. */
export function logsLine(
  logPath: string,
  pattern: RegExp,
): (options: { readonly signal: AbortSignal }) => Promise<RegExpExecArray> {
  const check = async () => pattern.exec(await readFile(logPath, "utf8")) ?? undefined;
  return ({ signal }) =>
    pollUntil(check, { what: `${String(pattern)} in ${logPath}`, withinMs, signal });
}
