import type { ServerResponse } from "node:http";

import { CodedError, type ErrorCode, UnavailableError, codeOf, errorCodes } from "../errors.ts";

/** An answer, whole and small. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string | Uint8Array;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers with JSON. */
export function jsonAnswer(status: number, value: unknown): HttpAnswer {
  return { status, body: JSON.stringify(value), contentType: "application/json" };
}

/** Answers `{"error": {"code", "message"}}`, with the status of the code or another one. */
export function errorAnswer(code: ErrorCode, message: string, status?: number): HttpAnswer {
  return jsonAnswer(status ?? errorCodes[code].http, { error: { code, message } });
}

/** What an exception is on this wire: only expected ones tell why. */
export function answerOfError(error: unknown): HttpAnswer {
  const message = error instanceof CodedError ? error.message : "internal error";
  const answer = errorAnswer(codeOf(error), message);
  const waitMs = error instanceof UnavailableError ? error.retryAfterMs : undefined;
  if (waitMs === undefined) return answer;
  return { ...answer, headers: { "retry-after": String(Math.ceil(waitMs / 1000)) } };
}

/** Sends an answer; to HEAD its body is left out. */
export function sendAnswer(response: ServerResponse, answer: HttpAnswer): void {
  const body = typeof answer.body === "string" ? Buffer.from(answer.body) : answer.body;
  response.writeHead(answer.status, {
    "cache-control": "no-store",
    "content-length": body.byteLength,
    "content-type": answer.contentType,
    ...answer.headers,
  });
  response.end(response.req.method === "HEAD" ? undefined : body);
}
