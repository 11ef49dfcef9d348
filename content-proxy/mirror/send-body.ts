import { randomBytes } from "node:crypto";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";

import { abortable } from "../../core/async/deadline.ts";
import type { ByteRange } from "../../core/byte-range.ts";
import { multipartRanges } from "../../core/http/multipart-ranges.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { ReadOptions, SuppliedBlob } from "./supplied-blob.ts";

/** Milliseconds that a client may take nothing: it holds an open file, and buffers. */
const stallTimeoutMs = 60_000;

/** Milliseconds that a client has to read the end of a body that is cut short. */
const lingerMs = 10_000;

/** What is sent, and what is said about it. */
export interface BlobBody {
  readonly blob: SuppliedBlob;
  /** `undefined`: all of it. One: that one. More: in several parts. */
  readonly ranges: readonly ByteRange[] | undefined;
  /** The client asked for parts, not for the rest of a body. */
  readonly isPart: boolean;
  readonly contentType: string;
  readonly headers: OutgoingHttpHeaders;
}

/**
 * Sends a blob or ranges of it, no faster than the client takes them.
 *
 * @throws what reading throws; when it does after the head was sent, {@link cutShort} is for it
 */
export async function sendBody(
  response: ServerResponse,
  { ranges, ...body }: BlobBody & Cancellable,
): Promise<void> {
  const { blob, signal } = body;
  const wanted = ranges ?? [{ start: 0, end: blob.size }];
  const [first] = wanted;
  if (first === undefined) throw new RangeError("No range to send");
  const isSeveral = wanted.length > 1;
  // With the first one, and before it is asked for by itself: what is sent next has its turn first.
  const hurried = blob.hurry(isSeveral ? wanted : []);
  try {
    await blob.ready(first, { signal });
    if (isSeveral) await sendParts(response, wanted, body);
    else await sendOne(response, first, { ...body, isWhole: ranges === undefined });
  } finally {
    hurried[Symbol.dispose]();
  }
  response.end();
}

/**
 * Ends a body that cannot be finished: what was written is still sent, and then the connection
 * is closed as if all was well (FIN). containerd asks for the rest then, perhaps elsewhere;
 * a connection that is reset fails its pull.
 */
export function cutShort(response: ServerResponse): void {
  const { socket } = response;
  if (!socket || socket.destroyed) {
    // Another answer on the same connection is to be sent first: it ends well, and then this one.
    response.destroy();
    return;
  }
  socket.end();
  socket.setTimeout(lingerMs, () => socket.destroy());
}

/** Cuts the connection if the client takes nothing of what was written; less is enough to go on. */
export function boundStall(response: ServerResponse): void {
  // Without anybody who listens for it, Node closes a connection whose time is over.
  response.socket?.setTimeout(stallTimeoutMs);
}

async function sendOne(
  response: ServerResponse,
  range: ByteRange,
  body: Omit<BlobBody, "ranges"> & Cancellable & { readonly isWhole: boolean },
): Promise<void> {
  const { blob, isPart, contentType, headers, isWhole, signal } = body;
  const { start, end } = range;
  const part = { "content-range": `bytes ${start}-${end - 1}/${blob.size}` };
  response.writeHead(isWhole ? 200 : 206, {
    ...headers,
    ...(isWhole ? {} : part),
    "content-length": end - start,
    "content-type": contentType,
  });
  await sendRange(response, { blob, range, isPart, signal });
}

async function sendParts(
  response: ServerResponse,
  ranges: readonly ByteRange[],
  { blob, isPart, headers, signal, ...described }: Omit<BlobBody, "ranges"> & Cancellable,
): Promise<void> {
  const boundary = randomBytes(16).toString("hex");
  const body = { size: blob.size, boundary, contentType: described.contentType };
  const { parts, tail, contentLength, contentType } = multipartRanges(ranges, body);
  response.writeHead(206, {
    ...headers,
    "content-length": contentLength,
    "content-type": contentType,
  });
  for (const { head, range } of parts) {
    await write(response, Buffer.from(head), signal);
    await sendRange(response, { blob, range, isPart, signal });
  }
  await write(response, Buffer.from(tail), signal);
}

async function sendRange(
  response: ServerResponse,
  {
    blob,
    range,
    ...options
  }: ReadOptions & { readonly blob: SuppliedBlob; readonly range: ByteRange },
): Promise<void> {
  for await (const chunk of blob.read(range, options)) {
    await write(response, chunk, options.signal);
  }
}

/** Resolves when the bytes are the system's, and their memory can be used again. */
async function write(
  response: ServerResponse,
  chunk: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const written = new Promise<void>((resolve, reject) => {
    response.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
  boundStall(response);
  await abortable(written, signal);
  // Now the client waits for us.
  response.socket?.setTimeout(0);
}
