import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";

import type { ByteRange } from "../../core/byte-range.ts";
import type { Digest } from "../../core/digest.ts";
import { BlobNotFoundError } from "../../core/errors.ts";
import { type HttpAnswer, errorAnswer, sendAnswer } from "../../core/http/http-answer.ts";
import { parseRangeHeader } from "../../core/http/range-header.ts";
import type { HostLimits } from "../../core/limits/host-limits.ts";
import { metered } from "../../core/limits/metered.ts";
import type { Passage } from "../../core/limits/passage.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { BlobCache } from "../blob-cache.ts";
import type { BytesGiven } from "../bytes-given.ts";
import type { KnownBlobs } from "../known-blobs.ts";
import { digestInPath } from "./digest-in-path.ts";

/** What {@link blobRoute} works with. */
export interface BlobRouteDeps {
  readonly store: Pick<BlobReader, "find" | "read">;
  readonly cache: Pick<BlobCache, "arrivalOf" | "begin" | "follow">;
  readonly known: Pick<KnownBlobs, "find">;
  readonly given: Pick<BytesGiven, "add">;
  readonly limits: Pick<HostLimits, "passage">;
}

/** Milliseconds that a client may take nothing: it holds an open file, and the room of its blob. */
const stallTimeoutMs = 60_000;

/**
 * Answers `GET` and `HEAD /v1/blobs/<digest>`: the web seed (BEP 19). A blob that left
 * the disk and whose origin is known is fetched again; for HEAD what is known of it is
 * enough. What is on its way is sent as it comes, and the connection cut where it does not.
 *
 * @throws {CodedError} before anything was sent
 */
export async function blobRoute(
  request: IncomingMessage,
  response: ServerResponse,
  { path, deps, signal }: Cancellable & { readonly path: string; readonly deps: BlobRouteDeps },
): Promise<void> {
  const { method } = request;
  if (method !== "GET" && method !== "HEAD") {
    sendAnswer(response, errorAnswer("unimplemented", "Cannot do that: want GET or HEAD", 405));
    return;
  }
  const digest = digestInPath(path);
  if (method === "HEAD") {
    const head = headOf(request, { digest, size: knownSizeOf(digest, deps) });
    if (head) writeHead(response, head).end();
    else sendAnswer(response, unsatisfiable(knownSizeOf(digest, deps)));
    return;
  }
  const source = await openSource(digest, { deps, signal });
  try {
    const head = headOf(request, { digest, size: source.size });
    const passage = deps.limits.passage(["upload"], { flow: digest });
    const { given } = deps;
    if (head) await send(response, { head, chunks: source.read(head), passage, given, signal });
    else sendAnswer(response, unsatisfiable(source.size));
  } finally {
    source[Symbol.dispose]();
  }
}

/** What the request asks for; `undefined` when that is past the end. */
function headOf(
  { headers }: IncomingMessage,
  { digest, size }: { readonly digest: Digest; readonly size: number },
): Head | undefined {
  const condition = headers["if-range"];
  const isRangeMeant = condition === undefined || condition === etagOf(digest);
  const range = parseRangeHeader(isRangeMeant ? headers.range : undefined, size);
  if (range === "unsatisfiable") return undefined;
  return { digest, size, ...(range ?? { start: 0, end: size }), status: range ? 206 : 200 };
}

/** @throws {BlobNotFoundError} when the blob is neither here nor on its way, and its origin not known. */
function knownSizeOf(digest: Digest, { store, cache, known }: BlobRouteDeps): number {
  const record = store.find(digest);
  if (record?.whole) return record.size;
  const descriptor = known.find(digest)?.descriptor ?? cache.arrivalOf(digest)?.descriptor;
  if (!descriptor) throw new BlobNotFoundError(digest);
  return descriptor.size;
}

/** Where the bytes of a blob come from; to be disposed of when they are not read any more. */
interface BlobSource extends Disposable {
  readonly size: number;
  readonly read: (range: ByteRange) => AsyncIterable<Uint8Array>;
}

/** @throws {BlobNotFoundError} as {@link knownSizeOf} */
async function openSource(
  digest: Digest,
  { deps, signal }: Cancellable & { readonly deps: BlobRouteDeps },
): Promise<BlobSource> {
  const { store, cache, known } = deps;
  const origin = known.find(digest);
  const found = origin
    ? await cache.begin(origin, { signal })
    : ((await cache.follow(digest, { signal })) ?? store.find(digest));
  if (found && "arrival" in found) {
    const { arrival } = found;
    return {
      size: arrival.descriptor.size,
      read: (range) => arrival.read(range, { signal }),
      [Symbol.dispose]: () => found[Symbol.dispose](),
    };
  }
  if (!found?.whole) throw new BlobNotFoundError(digest);
  return {
    size: found.size,
    read: (range) => store.read(digest, range, { signal }),
    [Symbol.dispose]: () => undefined,
  };
}

interface Head extends ByteRange {
  readonly digest: Digest;
  readonly size: number;
  readonly status: number;
}

async function send(
  response: ServerResponse,
  options: Cancellable & {
    readonly head: Head;
    readonly chunks: AsyncIterable<Uint8Array>;
    readonly passage: Passage;
    readonly given: BlobRouteDeps["given"];
  },
): Promise<void> {
  const { head, passage, given, signal } = options;
  const chunks = options.chunks[Symbol.asyncIterator]();
  try {
    response.setTimeout(stallTimeoutMs, () => response.destroy());
    // Opens the file: a blob that is evicted from now on is still sent whole.
    const first = await chunks.next();
    writeHead(response, head);
    const sent = metered(counted(first, chunks, given), { passage, signal });
    await pipeline(sent, response, { signal });
  } finally {
    await chunks.return?.();
  }
}

async function* counted(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
  given: BlobRouteDeps["given"],
): AsyncGenerator<Uint8Array, void> {
  for (let next = first; next.done !== true; next = await rest.next()) {
    given.add(next.value.byteLength);
    yield next.value;
  }
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
