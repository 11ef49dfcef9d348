import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";

import type { ByteRange } from "../../core/byte-range.ts";
import type { Digest } from "../../core/digest.ts";
import { BlobNotFoundError } from "../../core/errors.ts";
import { type HttpAnswer, errorAnswer, sendAnswer } from "../../core/http/http-answer.ts";
import { parseRangeHeader } from "../../core/http/range-header.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { BlobCache } from "../blob-cache.ts";
import type { KnownBlobs } from "../known-blobs.ts";
import { digestInPath } from "./digest-in-path.ts";

/** What {@link blobRoute} works with. */
export interface BlobRouteDeps {
  readonly store: Pick<BlobReader, "find" | "read">;
  readonly cache: Pick<BlobCache, "obtain">;
  readonly known: Pick<KnownBlobs, "find">;
}

/** Milliseconds that a client may take nothing: it holds an open file, and the room of its blob. */
const stallTimeoutMs = 60_000;

/**
 * Answers `GET` and `HEAD /v1/blobs/<digest>`: the web seed (BEP 19). A blob that left
 * the disk and whose origin is known is fetched again first; for HEAD what is known of it
 * is enough.
 *
 * @throws {CodedError} before anything was sent
 */
export async function blobRoute(
  request: IncomingMessage,
  response: ServerResponse,
  { path, deps, signal }: Cancellable & { readonly path: string; readonly deps: BlobRouteDeps },
): Promise<void> {
  const { method, headers } = request;
  if (method !== "GET" && method !== "HEAD") {
    sendAnswer(response, errorAnswer("unimplemented", "Cannot do that: want GET or HEAD", 405));
    return;
  }
  const digest = digestInPath(path);
  const size = await sizeOf(digest, { isWanted: method === "GET", deps, signal });
  const condition = headers["if-range"];
  const isRangeMeant = condition === undefined || condition === etagOf(digest);
  const range = parseRangeHeader(isRangeMeant ? headers.range : undefined, size);
  if (range === "unsatisfiable") {
    sendAnswer(response, unsatisfiable(size));
    return;
  }
  const { start, end } = range ?? { start: 0, end: size };
  const head = { digest, size, start, end, status: range ? 206 : 200 };
  if (method === "HEAD") writeHead(response, head).end();
  else await send(response, { head, deps, signal });
}

/** @throws {BlobNotFoundError} when the blob is not here, and its origin not known. */
async function sizeOf(
  digest: Digest,
  options: Cancellable & { readonly isWanted: boolean; readonly deps: BlobRouteDeps },
): Promise<number> {
  const { isWanted, deps, signal } = options;
  const known = deps.known.find(digest);
  if (isWanted && known) {
    return (await deps.cache.obtain(known, { onBytes: () => undefined, signal })).size;
  }
  const record = deps.store.find(digest);
  if (record?.whole) return record.size;
  if (!known) throw new BlobNotFoundError(digest);
  return known.descriptor.size;
}

interface Head extends ByteRange {
  readonly digest: Digest;
  readonly size: number;
  readonly status: number;
}

async function send(
  response: ServerResponse,
  options: Cancellable & { readonly head: Head; readonly deps: BlobRouteDeps },
): Promise<void> {
  const { head, deps, signal } = options;
  const chunks = deps.store.read(head.digest, head, { signal })[Symbol.asyncIterator]();
  try {
    // Opens the file: a blob that is evicted from now on is still sent whole.
    const first = await chunks.next();
    response.setTimeout(stallTimeoutMs, () => response.destroy());
    writeHead(response, head);
    await pipeline(startingWith(first, chunks), response, { signal });
  } finally {
    await chunks.return?.();
  }
}

async function* startingWith(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
}

function writeHead(
  response: ServerResponse,
  { digest, size, start, end, status }: Head,
): ServerResponse {
  return response.writeHead(status, {
    "accept-ranges": "bytes",
    "cache-control": "public, max-age=31536000, immutable",
    "content-length": end - start,
    "content-type": "application/octet-stream",
    ...(status === 206 && { "content-range": `bytes ${start}-${end - 1}/${size}` }),
    etag: etagOf(digest),
  });
}

function etagOf(digest: Digest): string {
  return `"${digest}"`;
}

function unsatisfiable(size: number): HttpAnswer {
  const answer = errorAnswer("out_of_range", "Cannot give that range: it is past the end");
  return { ...answer, headers: { "content-range": `bytes */${size}` } };
}
