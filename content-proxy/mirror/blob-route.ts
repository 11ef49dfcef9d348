import type { OutgoingHttpHeaders } from "node:http";

import type { ByteRange } from "../../core/byte-range.ts";
import type { Digest } from "../../core/digest.ts";
import { isPartOf, parseRangesHeader } from "../../core/http/range-header.ts";
import { codeOf } from "../../core/errors.ts";
import { apiVersionHeader } from "../../core/oci-api/api-answer.ts";
import { ApiError } from "../../core/oci-api/api-error.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Provenance } from "../provenance/provenance.ts";
import type { BlobSupply, OpenOptions } from "./blob-supply.ts";
import type { WantedOriginBlob } from "./origin-blob.ts";
import { type RouteCall, etagOf, isUnmodified } from "./route-call.ts";
import { cutShort, sendBody } from "./send-body.ts";
import type { SuppliedBlob } from "./supplied-blob.ts";

/** What {@link blobRoute} works with. */
export interface BlobRouteDeps {
  readonly blobs: Pick<BlobSupply, "open" | "sizeOf" | "breakOff">;
  readonly provenance: Pick<Provenance, "learn">;
  /** Opens at its registry what the swarm does not give, for clients that do not ask there. */
  readonly openAtOrigin: (wanted: WantedOriginBlob, options: Cancellable) => Promise<SuppliedBlob>;
}

/**
 * Answers `GET` and `HEAD /v2/<name>/blobs/<digest>`, with `Range` of one range or several.
 *
 * @throws {CodedError} before anything was sent
 */
export async function blobRoute(
  digest: Digest,
  call: RouteCall,
  deps: BlobRouteDeps,
): Promise<void> {
  const { blobs, provenance } = deps;
  const { registry, repository, request, response, signal } = call;
  provenance.learn({ registry, repository }, { digest });
  if (isUnmodified(request, digest)) {
    response.writeHead(304, headersOf(digest)).end();
    return;
  }
  if (request.method === "HEAD") {
    const size = await sizeOf(digest, call, deps);
    response.writeHead(200, {
      ...headersOf(digest),
      "content-length": size,
      "content-type": bytesType,
    });
    response.end();
    return;
  }
  const condition = request.headers["if-range"];
  const isRangeMeant = condition === undefined || condition === etagOf(digest);
  const header = isRangeMeant ? request.headers.range : undefined;
  const isPart = (size: number) => header !== undefined && isPartOf(header, size);
  const blob = await openBlob(digest, call, { ...deps, isPart });
  try {
    const ranges = rangesIn(header, blob.size);
    const body = {
      blob,
      ranges,
      isPart: isPart(blob.size),
      contentType: bytesType,
      headers: headersOf(digest),
    };
    await sendBody(response, { ...body, signal });
  } catch (error) {
    if (!response.headersSent) throw error;
    if (!signal.aborted) blobs.breakOff(digest);
    cutShort(response);
    throw error;
  } finally {
    await blob[Symbol.asyncDispose]();
  }
}

/** Of the swarm, or of the registry for a client that would have no image then. */
async function openBlob(
  digest: Digest,
  { registry, repository, authorization, goesOn, patience, signal }: RouteCall,
  deps: BlobRouteDeps & Required<Pick<OpenOptions, "isPart">>,
): Promise<SuppliedBlob> {
  try {
    const options = { patience, isPart: deps.isPart, signal };
    return await deps.blobs.open({ digest, authorization }, options);
  } catch (error) {
    signal.throwIfAborted();
    if (goesOn || codeOf(error) === "internal") throw error;
    return deps.openAtOrigin({ digest, registry, repository, authorization }, { signal });
  }
}

async function sizeOf(
  digest: Digest,
  { registry, repository, authorization, goesOn, patience, signal }: RouteCall,
  deps: BlobRouteDeps,
): Promise<number> {
  try {
    return await deps.blobs.sizeOf({ digest, authorization }, { patience, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (goesOn || codeOf(error) === "internal") throw error;
    const wanted = { digest, registry, repository, authorization };
    const blob = await deps.openAtOrigin(wanted, { signal });
    await blob[Symbol.asyncDispose]();
    return blob.size;
  }
}

const bytesType = "application/octet-stream";

function headersOf(digest: Digest): OutgoingHttpHeaders {
  return {
    ...apiVersionHeader,
    "accept-ranges": "bytes",
    "cache-control": "max-age=31536000",
    "docker-content-digest": digest,
    etag: etagOf(digest),
  };
}

/** @throws {ApiError} RANGE_INVALID */
function rangesIn(header: string | undefined, size: number): readonly ByteRange[] | undefined {
  const ranges = parseRangesHeader(header, size);
  if (ranges === "unsatisfiable") {
    const headers = { "content-range": `bytes */${size}` };
    throw new ApiError("RANGE_INVALID", "Cannot give that range: it is past the end", { headers });
  }
  if (ranges === "excessive") {
    // Lazy snapshotters ask for one range at a time then.
    throw new ApiError("RANGE_INVALID", "Cannot give so many ranges at once", { status: 400 });
  }
  return ranges;
}
