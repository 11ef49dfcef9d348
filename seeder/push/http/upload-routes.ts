import type { ServerResponse } from "node:http";

import { type Digest, isDigest } from "../../../core/digest.ts";
import { OffsetError } from "../../../core/errors.ts";
import { ApiError } from "../../../core/oci-api/api-error.ts";
import { type TakeBlobDeps, linkBlob, takeBlob } from "../take-blob.ts";
import type { Upload } from "../upload.ts";
import type { Uploads } from "../uploads.ts";
import { type PushExchange, refuseMethod, sendEmpty } from "./push-exchange.ts";
import { uploadPartOf } from "./request-body.ts";

/** What the routes of uploads work with. */
export interface UploadRoutesDeps extends TakeBlobDeps {
  readonly uploads: Uploads;
}

/**
 * Answers `POST blobs/uploads/`: begins an upload, takes a whole blob at once (`?digest=`), or
 * takes one over from another repository (`?mount=&from=`) where it can be had there.
 */
export async function beginUpload(exchange: PushExchange, deps: UploadRoutesDeps): Promise<void> {
  const { request, response, query, registry, repository, signal } = exchange;
  if (request.method !== "POST") refuseMethod("POST");
  const mount = query.get("mount") ?? "";
  if (isDigest(mount)) {
    const from = query.get("from") ?? undefined;
    const place = { registry, repository };
    if (await linkBlob(place, { ...deps, digest: mount, from, signal })) {
      sendBlobPlace(response, { repository, digest: mount });
      return;
    }
  }
  const digest = query.has("digest") ? digestIn(query) : undefined;
  const upload = deps.uploads.begin({ registry, repository });
  if (digest === undefined) {
    sendEmpty(response, 202, uploadHeaders(upload, 0));
    return;
  }
  try {
    await complete(upload, digest, { ...exchange, deps });
  } catch (error) {
    // Nobody was told how to go on with it.
    await deps.uploads.cancel(upload);
    throw error;
  }
}

/** Answers requests about an upload that has begun. */
export async function continueUpload(
  id: string,
  exchange: PushExchange,
  deps: UploadRoutesDeps,
): Promise<void> {
  const { request, response, query } = exchange;
  const { uploads } = deps;
  const upload = uploads.find(id, exchange);
  switch (request.method) {
    case "GET":
    case "HEAD":
      sendEmpty(response, 204, uploadHeaders(upload, uploads.offset(upload)));
      return;
    case "PATCH":
      await inRange(upload, uploads, async () => {
        const offset = await uploads.append(upload, uploadPartOf(request));
        sendEmpty(response, 202, uploadHeaders(upload, offset));
      });
      return;
    case "PUT":
      await complete(upload, digestIn(query), { ...exchange, deps });
      return;
    case "DELETE":
      await uploads.cancel(upload);
      sendEmpty(response, 204, {});
      return;
    default:
      refuseMethod("GET, PATCH, PUT, DELETE");
  }
}

async function complete(
  upload: Upload,
  digest: Digest,
  { request, response, deps, signal }: PushExchange & { readonly deps: UploadRoutesDeps },
): Promise<void> {
  await inRange(upload, deps.uploads, async () => {
    const part = uploadPartOf(request);
    const finish = () => deps.uploads.finish(upload, { digest, part, signal });
    await takeBlob(upload, { ...deps, digest, finish });
    sendBlobPlace(response, { ...upload, digest });
  });
}

/** Says of a part that does not fit how to go on: the API wants 416 with the upload's state. */
async function inRange(upload: Upload, uploads: Uploads, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof OffsetError)) throw error;
    const headers = uploadHeaders(upload, uploads.offset(upload));
    throw new ApiError("RANGE_INVALID", error.message, { headers, cause: error });
  }
}

function digestIn(query: URLSearchParams): Digest {
  const text = query.get("digest") ?? "";
  if (isDigest(text)) return text;
  throw new ApiError("DIGEST_INVALID", "Cannot end the upload: want the digest of the blob");
}

function uploadHeaders({ id, repository }: Upload, offset: number): Record<string, string> {
  return {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    // An upload without a byte cannot be told from one with a single byte. It is so everywhere.
    range: `0-${Math.max(0, offset - 1)}`,
    "docker-upload-uuid": id,
  };
}

function sendBlobPlace(
  response: ServerResponse,
  { repository, digest }: { readonly repository: string; readonly digest: Digest },
): void {
  const location = `/v2/${repository}/blobs/${digest}`;
  sendEmpty(response, 201, { location, "docker-content-digest": digest });
}
