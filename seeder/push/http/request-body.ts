import type { IncomingMessage } from "node:http";

import { OffsetError } from "../../../core/errors.ts";
import { readBody } from "../../../core/http/read-body.ts";
import { ApiError } from "../../../core/oci-api/api-error.ts";
import type { UploadPart } from "../uploads.ts";

/** Milliseconds that a client may send nothing of what it announced. */
const stallTimeoutMs = 60_000;

/** Milliseconds that a manifest may take, which is held in memory meanwhile. */
const shortBodyTimeoutMs = 30_000;

/** Milliseconds that what nobody reads may still come, so that the client reads our answer. */
const leaveTimeoutMs = 5000;

/** `start-end`, the last byte included, and nothing else. */
const contentRange = /^([0-9]{1,16})-([0-9]{1,16})$/;

/**
 * The body of a request as a part of an upload.
 *
 * @throws {OffsetError} when its `Content-Range` is malformed.
 * @throws {ApiError} SIZE_INVALID when that and its `Content-Length` do not agree.
 */
export function uploadPartOf(request: IncomingMessage): UploadPart {
  const { "content-length": lengthHeader, "content-range": rangeHeader } = request.headers;
  const isOpenEnded = request.headers["transfer-encoding"] !== undefined;
  const told = isOpenEnded ? undefined : Number(lengthHeader ?? 0);
  const chunks = bodyOf(request);
  if (rangeHeader === undefined) return { chunks, start: undefined, length: told };
  const [, first = "", last = ""] = contentRange.exec(rangeHeader.trim()) ?? [];
  const start = Number(first);
  const length = Number(last) - start + 1;
  if (first === "" || length < 1) throw new OffsetError(start, "a Content-Range of start-end");
  if (told !== undefined && told !== length) {
    const why = `Cannot take the part: Content-Range is of ${length} bytes, Content-Length ${told}`;
    throw new ApiError("SIZE_INVALID", why);
  }
  return { chunks, start, length };
}

/** The bytes of a request's body. Ends the connection of a client that sends nothing for long. */
async function* bodyOf(request: IncomingMessage): AsyncGenerator<Uint8Array, void> {
  request.setTimeout(stallTimeoutMs, () => request.destroy());
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      if (chunk instanceof Uint8Array) yield chunk;
    }
  } finally {
    // What is done with it may take longer, and the client has nothing to say meanwhile.
    request.setTimeout(0);
  }
}

/**
 * Reads a body that is short.
 *
 * @throws {ApiError} MANIFEST_INVALID when it is longer than `lengthMax` bytes.
 */
export async function readShortBody(request: IncomingMessage, lengthMax: number): Promise<Buffer> {
  const timer = setTimeout(() => request.destroy(), shortBodyTimeoutMs);
  try {
    const body = await readBody(request, lengthMax);
    if (body) return body;
  } finally {
    clearTimeout(timer);
  }
  const why = `Cannot take a manifest of more than ${lengthMax} bytes`;
  throw new ApiError("MANIFEST_INVALID", why, { status: 413 });
}

/**
 * Lets go of a body that nobody reads: what little comes until the client has read our answer
 * is dropped, and who goes on sending is cut off.
 */
export function leaveBody(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  request.resume();
  const timer = setTimeout(() => request.destroy(), leaveTimeoutMs).unref();
  request.once("close", () => clearTimeout(timer));
  request.once("end", () => clearTimeout(timer));
}
