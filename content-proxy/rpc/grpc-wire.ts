import { encodeHeaderBlock } from "../http2/header-block.ts";
import type { GrpcStatus } from "./boundary.ts";

/** Length of what stands before each message: a flag and a length. */
export const messageHeadLength = 5;

const contentType = { name: "content-type", value: "application/grpc+proto" };

/** Headers of every response that has messages. */
export const responseHeaders = encodeHeaderBlock([{ name: ":status", value: "200" }, contentType]);

/** Trailers of a call that went well. */
export const okTrailers = encodeHeaderBlock([{ name: "grpc-status", value: "0" }]);

/** Trailers of a call that failed; if nothing was sent before, its headers as well. */
export function statusBlock(
  { code, details }: GrpcStatus,
  { isOnly }: { readonly isOnly: boolean },
): Buffer {
  return encodeHeaderBlock([
    ...(isOnly ? [{ name: ":status", value: "200" }, contentType] : []),
    { name: "grpc-status", value: String(code) },
    { name: "grpc-message", value: percentEncode(details) },
  ]);
}

const unitsMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** Longest time that a timer takes; a client that waits longer waits for ever. */
const timeoutMsMax = 2 ** 31 - 1;

/** Milliseconds of a `grpc-timeout` field; `undefined` when it sets no bound. */
export function parseTimeoutMs(field: string | undefined): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(field ?? "");
  if (!match) return undefined;
  const timeoutMs = Math.ceil(Number(match[1]) * (unitsMs[match[2] ?? ""] ?? 0));
  return timeoutMs > timeoutMsMax ? undefined : timeoutMs;
}

/** Percent-encodes what is not printable ASCII. @see gRPC over HTTP/2, "Status-Message" */
function percentEncode(text: string): string {
  return Buffer.from(text)
    .toString("latin1")
    .replace(/[^ -$&-~]/g, (character) => {
      const hex = character.charCodeAt(0).toString(16).toUpperCase();
      return `%${hex.padStart(2, "0")}`;
    });
}
