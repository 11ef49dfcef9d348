import type { IncomingMessage, ServerResponse } from "node:http";

import { ApiError } from "../../../core/oci-api/api-error.ts";
import { apiVersionHeader } from "../../../core/oci-api/api-answer.ts";
import type { Cancellable } from "../../../core/ports/cancellable.ts";
import type { Repository } from "../../../core/ports/origin.ts";

/** A request to the push API, and the repository that it is about. */
export interface PushExchange extends Cancellable, Repository {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
}

/** Answers with headers alone. */
export function sendEmpty(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
): void {
  const length = status === 204 ? {} : { "content-length": 0 };
  response.writeHead(status, { ...apiVersionHeader, ...length, ...headers }).end();
}

/** The refusal of a method; none of what the API has in that place and we do not do. */
export function refuseMethod(allowed: string): never {
  const headers = { allow: allowed };
  throw new ApiError("UNSUPPORTED", `Cannot do that: want ${allowed}`, { headers });
}
