import type { Digest } from "./digest.ts";

/** What an error code means on each wire. */
interface ErrorCodeRow {
  /** Status code of gRPC. */
  readonly grpc: number;
  /** Status code of HTTP, where the route has no format of its own. */
  readonly http: number;
  /** Whether the same request may succeed later without any change. */
  readonly retryable: boolean;
}

/**
 * The one table of error codes.
 *
 * containerd acts on the gRPC column: a held ref must be `unavailable` (its
 * OpenWriter loops on that code only), a wrong digest or size at commit
 * `failed_precondition`, an existing blob `already_exists`. A full disk must not
 * be `unavailable`, for containerd would then retry for ever.
 *
 * @see containerd core/content/helpers.go, plugins/content/local/writer.go
 */
export const errorCodes = {
  canceled: { grpc: 1, http: 499, retryable: true },
  invalid_argument: { grpc: 3, http: 400, retryable: false },
  deadline_exceeded: { grpc: 4, http: 504, retryable: true },
  not_found: { grpc: 5, http: 404, retryable: false },
  already_exists: { grpc: 6, http: 409, retryable: false },
  permission_denied: { grpc: 7, http: 403, retryable: false },
  resource_exhausted: { grpc: 8, http: 507, retryable: true },
  failed_precondition: { grpc: 9, http: 412, retryable: false },
  out_of_range: { grpc: 11, http: 416, retryable: false },
  unimplemented: { grpc: 12, http: 501, retryable: false },
  internal: { grpc: 13, http: 500, retryable: false },
  unavailable: { grpc: 14, http: 503, retryable: true },
  data_loss: { grpc: 15, http: 500, retryable: false },
  unauthenticated: { grpc: 16, http: 401, retryable: false },
} as const satisfies Record<string, ErrorCodeRow>;

/** Name of a row of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes;

/** An operating error: expected, has a code, and is somebody's to handle. */
export abstract class CodedError extends Error {
  abstract readonly code: ErrorCode;
}

/** A value from outside does not have the form that it must have. */
export class InvalidArgumentError extends CodedError {
  override readonly name = "InvalidArgumentError";
  readonly code = "invalid_argument";
}

/** Something is not in the state that the work needs, and somebody must change that first. */
export class FailedPreconditionError extends CodedError {
  override readonly name = "FailedPreconditionError";
  readonly code = "failed_precondition";
}

/** A configuration cannot be used; all its problems are told together, one a line. */
export class ConfigError extends CodedError {
  override readonly name = "ConfigError";
  readonly code = "invalid_argument";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** No blob of that digest is here, or none can be had. */
export class BlobNotFoundError extends CodedError {
  override readonly name = "BlobNotFoundError";
  readonly code = "not_found";
  readonly digest: Digest;

  constructor(digest: Digest, options?: ErrorOptions) {
    super(`Cannot find blob ${digest}`, options);
    this.digest = digest;
  }
}

/** The origin has no image of that name. */
export class ImageNotFoundError extends CodedError {
  override readonly name = "ImageNotFoundError";
  readonly code = "not_found";

  constructor(reference: string, options?: ErrorOptions) {
    super(`Cannot find image ${reference}`, options);
  }
}

/** A blob of that digest is already committed. */
export class BlobExistsError extends CodedError {
  override readonly name = "BlobExistsError";
  readonly code = "already_exists";
  readonly digest: Digest;

  constructor(digest: Digest) {
    super(`Cannot commit blob ${digest}: it exists`);
    this.digest = digest;
  }
}

/** No ingest has that ref. */
export class IngestNotFoundError extends CodedError {
  override readonly name = "IngestNotFoundError";
  readonly code = "not_found";
  readonly ref: string;

  constructor(ref: string) {
    super(`Cannot find ingest ${JSON.stringify(ref)}`);
    this.ref = ref;
  }
}

/** Another writer holds the ingest. */
export class RefLockedError extends CodedError {
  override readonly name = "RefLockedError";
  readonly code = "unavailable";
  readonly ref: string;

  constructor(ref: string) {
    super(`Cannot open ingest ${JSON.stringify(ref)}: it is being written`);
    this.ref = ref;
  }
}

/** A read or write starts where it cannot start. */
export class OffsetError extends CodedError {
  override readonly name = "OffsetError";
  readonly code = "out_of_range";

  constructor(offset: number, wanted: string) {
    super(`Cannot use offset ${offset}: want ${wanted}`);
  }
}

/** A blob has more or fewer bytes than it should. */
export class BlobSizeError extends CodedError {
  override readonly name = "BlobSizeError";
  readonly code = "failed_precondition";

  constructor(expected: number, actual: number) {
    super(`Cannot accept blob: size is ${actual}, want ${expected}`);
  }
}

/** Bytes are not the ones that the digest names. */
export class DigestMismatchError extends CodedError {
  override readonly name = "DigestMismatchError";
  readonly code = "failed_precondition";
  readonly expected: Digest;
  readonly actual: Digest;

  constructor(expected: Digest, actual: Digest) {
    super(`Cannot accept blob: digest is ${actual}, want ${expected}`);
    this.expected = expected;
    this.actual = actual;
  }
}

/** No snapshot has that key or name. */
export class SnapshotNotFoundError extends CodedError {
  override readonly name = "SnapshotNotFoundError";
  readonly code = "not_found";

  constructor(snapshot: string) {
    super(`Cannot find snapshot ${JSON.stringify(snapshot)}`);
  }
}

/** A snapshot has that key or name already. */
export class SnapshotExistsError extends CodedError {
  override readonly name = "SnapshotExistsError";
  readonly code = "already_exists";

  constructor(snapshot: string) {
    super(`Cannot make snapshot ${JSON.stringify(snapshot)}: it exists`);
  }
}

/** A layer is no tar stream, is cut off, wants out of its directory or is more than is allowed. */
export class LayerFormatError extends CodedError {
  override readonly name = "LayerFormatError";
  readonly code = "invalid_argument";
}

/** Metainfo does not fit the blob that it should describe. */
export class MetainfoError extends CodedError {
  override readonly name = "MetainfoError";
  readonly code = "invalid_argument";
}

/** The disk (or a quota, or a budget of bytes) is full. */
export class StorageFullError extends CodedError {
  override readonly name = "StorageFullError";
  readonly code = "resource_exhausted";
}

/** Fewer bytes reached the disk than were handed over, or a file lost bytes. */
export class DataLossError extends CodedError {
  override readonly name = "DataLossError";
  readonly code = "data_loss";
}

/** A remote party did not answer, hung up, or answered that it cannot now. */
export class UnavailableError extends CodedError {
  override readonly name = "UnavailableError";
  readonly code = "unavailable";
  /** For how long whoever refused wants to be left alone, where that was said. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    { retryAfterMs, ...options }: ErrorOptions & { readonly retryAfterMs?: number } = {},
  ) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Who gave something is gone, and another one gives it: who asks anew is told of that one. */
export class SourceMovedError extends CodedError {
  override readonly name = "SourceMovedError";
  readonly code = "unavailable";

  constructor(digest: Digest, options?: ErrorOptions) {
    super(`Cannot go on with blob ${digest}: another seeder has it now`, options);
  }
}

/** How a remote party refused, in its own words. */
export interface Refusal {
  /** Status code of HTTP. */
  readonly statusCode: number;
  /** Media type of the body. */
  readonly mediaType: string;
  /** Short, perhaps empty. */
  readonly body: Uint8Array;
}

/** A remote party refuses us for lack of rights. Never carries the credentials. */
export class AccessDeniedError extends CodedError {
  override readonly name = "AccessDeniedError";
  readonly code = "permission_denied";
  // Private, for it comes from the network, and whatever prints the error must not print it.
  readonly #refusal: Refusal | undefined;

  constructor(message: string, options?: ErrorOptions & { readonly refusal?: Refusal }) {
    super(message, options);
    this.#refusal = options?.refusal;
  }

  /** What the remote party answered, where it was asked and did answer. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }
}

/** A registry answers, but fails at this one write: others may do better. */
export class WriteFailedError extends CodedError {
  override readonly name = "WriteFailedError";
  readonly code = "unavailable";

  constructor(repository: string, statusCode: number) {
    super(`Cannot write to ${repository}: it answers ${statusCode}`);
  }
}

/** A registry refuses what is written to it, and would refuse it again. */
export class WriteRefusedError extends CodedError {
  override readonly name = "WriteRefusedError";
  readonly code = "failed_precondition";

  constructor(repository: string, statusCode: number) {
    super(`Cannot write to ${repository}: it refuses with status ${statusCode}`);
  }
}

/**
 * The code of anything thrown: that of a {@link CodedError}, `canceled` and
 * `deadline_exceeded` for aborts (told by name, as the platform does), else
 * `internal`.
 */
export function codeOf(error: unknown): ErrorCode {
  if (error instanceof CodedError) return error.code;
  if (error instanceof Error && error.name === "AbortError") return "canceled";
  if (error instanceof Error && error.name === "TimeoutError") return "deadline_exceeded";
  return "internal";
}
