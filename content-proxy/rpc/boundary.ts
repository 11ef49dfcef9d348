import { CodedError, codeOf, errorCodes } from "../../core/errors.ts";
import type { Logger } from "../../core/ports/logger.ts";

/** Longest text that goes with a status: it travels in a header, which clients bound. */
const detailsLengthMax = 1024;

/** A failed call as gRPC tells it. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
}

/**
 * Tells a caller what went wrong, in gRPC's words. What nobody foresaw is told as
 * `internal` without a word more; its whole story is in our log.
 */
export function grpcStatusOf(
  error: unknown,
  call: { readonly method: string; readonly signal: AbortSignal; readonly logger: Logger },
): GrpcStatus {
  const { method, signal, logger } = call;
  if (signal.aborted) return { code: errorCodes.canceled.grpc, details: "canceled" };
  const code = codeOf(error);
  if (code === "internal") logger.error("a call failed", { method, error });
  else logger.debug("a call was refused", { method, code, error });
  return { code: errorCodes[code].grpc, details: detailsOf(error) };
}

function detailsOf(error: unknown): string {
  if (!(error instanceof CodedError)) {
    return codeOf(error) === "internal" ? "internal error" : codeOf(error);
  }
  // Cutting may leave half of a surrogate pair, which cannot be encoded.
  return Buffer.from(error.message.slice(0, detailsLengthMax)).toString();
}
