import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";

import type { Digest } from "../../core/digest.ts";
import { BlobNotFoundError, InvalidArgumentError } from "../../core/errors.ts";
import { errorAnswer, sendAnswer } from "../../core/http/http-answer.ts";
import { parseRangeHeader } from "../../core/http/range-header.ts";
import { pieceHashLength } from "../../core/piece-hasher.ts";
import { blobSizeMax, pieceLayoutOf } from "../../core/piece-layout.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { BlobCache } from "../blob-cache.ts";
import { isNamedBy } from "../cold-request.ts";
import { arrivesElsewhere } from "../cold-run.ts";
import type { OriginTable } from "../origins/origin-table.ts";
import { digestInPath } from "./digest-in-path.ts";

/** What {@link pieceHashesRoute} works with. */
export interface PieceHashesRouteDeps {
  readonly store: Pick<BlobReader, "find" | "metainfo">;
  readonly cache: Pick<BlobCache, "follow">;
  readonly origin: Pick<OriginTable, "lists">;
}

/** Milliseconds that a client may take nothing of what is there for it: it holds the arrival. */
const stallTimeoutMs = 60_000;

/** Hashes from the one of a piece on. */
type OpenHashes = (start: number) => AsyncIterable<Uint8Array>;

/**
 * Answers `GET /v1/piece-hashes/<digest>`: the SHA-1 of each piece in order, 20 bytes each,
 * of a blob that is here or on its way: then each is sent as soon as it is known. With
 * `Range: bytes=N-` from there on. Where the blob does not come after all, the connection is
 * cut before the end. With `?from=<registry>,…` none are told of a blob that comes from another
 * registry: the one that a node was told of may have failed meanwhile.
 *
 * @throws {CodedError} before anything was sent
 */
export async function pieceHashesRoute(
  request: IncomingMessage,
  response: ServerResponse,
  {
    path,
    from,
    deps,
    signal,
  }: Cancellable & {
    readonly path: string;
    readonly from: string | null;
    readonly deps: PieceHashesRouteDeps;
  },
): Promise<void> {
  if (request.method !== "GET") {
    sendAnswer(response, errorAnswer("unimplemented", "Cannot do that: want GET", 405));
    return;
  }
  const digest = digestInPath(path);
  const held = await deps.cache.follow(digest, { signal });
  try {
    if (held && from !== null) {
      const registries = from.split(",").filter((registry) => registry !== "");
      const named = { from: registries.map((registry) => ({ registry })) };
      const isNamed = isNamedBy(named, held.arrival.registry, deps.origin);
      if (!isNamed) throw arrivesElsewhere(digest);
    }
    const { size, open } = held
      ? {
          size: held.arrival.descriptor.size,
          open: (start: number) => held.arrival.pieceHashes(start, { signal }),
        }
      : await storedHashes(digest, deps);
    if (size < 1 || size > blobSizeMax) throw new BlobNotFoundError(digest);
    await send(request, response, { size, open, signal });
  } finally {
    held?.[Symbol.dispose]();
  }
}

/** @throws {BlobNotFoundError} */
async function storedHashes(
  digest: Digest,
  { store }: PieceHashesRouteDeps,
): Promise<{ readonly size: number; readonly open: OpenHashes }> {
  const record = store.find(digest);
  if (!record?.whole || record.infoHash === undefined) throw new BlobNotFoundError(digest);
  const { pieceHashes } = await store.metainfo(digest);
  const open = async function* (start: number) {
    yield pieceHashes.subarray(start * pieceHashLength);
  };
  return { size: record.size, open };
}

async function send(
  { headers }: IncomingMessage,
  response: ServerResponse,
  { size, open, signal }: Cancellable & { readonly size: number; readonly open: OpenHashes },
): Promise<void> {
  const length = pieceLayoutOf(size).pieceCount * pieceHashLength;
  const range = parseRangeHeader(headers.range, length);
  const start = typeof range === "object" ? range.start : 0;
  const isToEnd = typeof range !== "object" || range.end === length;
  if (range === "unsatisfiable" || !isToEnd || start % pieceHashLength !== 0) {
    throw new InvalidArgumentError("Cannot give that range: want the hashes from one on");
  }
  response.writeHead(range ? 206 : 200, {
    "cache-control": "no-store",
    "content-length": length - start,
    "content-type": "application/octet-stream",
    ...(range && { "content-range": `bytes ${start}-${length - 1}/${length}` }),
  });
  // The first hash may be long in coming; that there will be some is known.
  response.flushHeaders();
  response.on("timeout", () => response.destroy());
  await pipeline(taken(open(start / pieceHashLength), response), response, { signal });
}

/** The same runs. A bound is set for the client to take each, and none for the next one to come. */
async function* taken(
  runs: AsyncIterable<Uint8Array>,
  response: ServerResponse,
): AsyncGenerator<Uint8Array, void> {
  for await (const run of runs) {
    response.setTimeout(stallTimeoutMs);
    yield run;
    response.setTimeout(0);
  }
  response.setTimeout(stallTimeoutMs);
}
