import {
  BlobNotFoundError,
  BlobSizeError,
  CodedError,
  DigestMismatchError,
  ImageNotFoundError,
  codeOf,
  errorCodes,
} from "../errors.ts";
import { type HttpAnswer, jsonAnswer } from "../http/http-answer.ts";
import type { MalformedStatus } from "../http/malformed-request.ts";
import { ApiError, type ApiErrorCode, apiErrors } from "./api-error.ts";

/** What every answer of the API carries: old clients look for it at `/v2/`. */
export const apiVersionHeader = { "docker-distribution-api-version": "registry/2.0" } as const;

/** What a request is about: it says which of the codes fits when nothing is found. */
export type ApiSubject = "manifest" | "blob" | "repository";

/** Answers `{"errors": [{"code", "message", "detail"}]}`. */
export function apiErrorAnswer(
  code: ApiErrorCode,
  message: string,
  options: {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): HttpAnswer {
  const status = options.status ?? apiErrors[code].status;
  const answer = jsonAnswer(status, { errors: [{ code, message, detail: null }] });
  return { ...answer, headers: { ...apiVersionHeader, ...options.headers } };
}

/** What an exception is on this wire: only expected ones tell why. */
export function apiAnswerOfError(error: unknown, subject: ApiSubject): HttpAnswer {
  if (error instanceof ApiError) {
    const { status, headers } = error;
    return apiErrorAnswer(error.apiCode, error.message, { status, headers });
  }
  const message = error instanceof CodedError ? error.message : "internal error";
  const code = apiCodeOf(error, subject);
  // The codes without a row of their own keep the status of our table.
  return apiErrorAnswer(code, message, {
    status: code === "UNKNOWN" ? errorCodes[codeOf(error)].http : apiErrors[code].status,
  });
}

/** What is told of a request that is not even HTTP. */
export function malformedAnswer(status: MalformedStatus): HttpAnswer {
  const message = {
    400: "Cannot read the request: it is not HTTP",
    408: "Cannot read the request: it comes too slowly",
    431: "Cannot read the request: its header is too long",
  }[status];
  return apiErrorAnswer("UNSUPPORTED", message, { status });
}

const unknownCodes = {
  manifest: "MANIFEST_UNKNOWN",
  blob: "BLOB_UNKNOWN",
  repository: "NAME_UNKNOWN",
} as const satisfies Record<ApiSubject, ApiErrorCode>;

function apiCodeOf(error: unknown, subject: ApiSubject): ApiErrorCode {
  if (error instanceof BlobNotFoundError || error instanceof ImageNotFoundError) {
    return unknownCodes[subject];
  }
  if (error instanceof DigestMismatchError) return "DIGEST_INVALID";
  if (error instanceof BlobSizeError) return "SIZE_INVALID";
  switch (codeOf(error)) {
    case "not_found":
      return unknownCodes[subject];
    case "permission_denied":
      return "DENIED";
    case "unauthenticated":
      return "UNAUTHORIZED";
    case "unavailable":
      return "UNAVAILABLE";
    default:
      return "UNKNOWN";
  }
}
