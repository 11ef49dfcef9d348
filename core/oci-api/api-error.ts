import { CodedError, type ErrorCode } from "../errors.ts";

/** What an error of the distribution API means elsewhere. */
interface ApiErrorRow {
  readonly status: number;
  readonly code: ErrorCode;
}

/**
 * The error codes of the distribution API that we use, and their status.
 *
 * @see OCI distribution-spec v1.1, "Error Codes"; Docker's registry adds some of its own
 */
export const apiErrors = {
  BLOB_UNKNOWN: { status: 404, code: "not_found" },
  BLOB_UPLOAD_INVALID: { status: 400, code: "invalid_argument" },
  BLOB_UPLOAD_UNKNOWN: { status: 404, code: "not_found" },
  DENIED: { status: 403, code: "permission_denied" },
  DIGEST_INVALID: { status: 400, code: "invalid_argument" },
  MANIFEST_BLOB_UNKNOWN: { status: 404, code: "not_found" },
  MANIFEST_INVALID: { status: 400, code: "invalid_argument" },
  MANIFEST_UNKNOWN: { status: 404, code: "not_found" },
  NAME_INVALID: { status: 400, code: "invalid_argument" },
  NAME_UNKNOWN: { status: 404, code: "not_found" },
  PAGINATION_NUMBER_INVALID: { status: 400, code: "invalid_argument" },
  RANGE_INVALID: { status: 416, code: "out_of_range" },
  SIZE_INVALID: { status: 400, code: "invalid_argument" },
  TAG_INVALID: { status: 400, code: "invalid_argument" },
  TOOMANYREQUESTS: { status: 429, code: "unavailable" },
  UNAUTHORIZED: { status: 401, code: "unauthenticated" },
  UNAVAILABLE: { status: 503, code: "unavailable" },
  UNKNOWN: { status: 500, code: "internal" },
  UNSUPPORTED: { status: 405, code: "unimplemented" },
} as const satisfies Record<string, ApiErrorRow>;

/** Name of a row of {@link apiErrors}. */
export type ApiErrorCode = keyof typeof apiErrors;

/** How an {@link ApiError} differs from what its code says. */
export interface ApiErrorOptions extends ErrorOptions {
  /** Status instead of the one of the code. */
  readonly status?: number | undefined;
  /** Headers of the answer, such as `WWW-Authenticate` or `Content-Range`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A refusal in the words of the distribution API. Whoever answers a request throws it. */
export class ApiError extends CodedError {
  override readonly name = "ApiError";
  readonly code: ErrorCode;
  readonly apiCode: ApiErrorCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(apiCode: ApiErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.apiCode = apiCode;
    this.code = apiErrors[apiCode].code;
    this.status = options.status ?? apiErrors[apiCode].status;
    this.headers = options.headers ?? {};
  }
}
