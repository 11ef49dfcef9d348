import { createDeadline } from "../../../core/async/deadline.ts";
import type { Digest } from "../../../core/digest.ts";
import { BlobNotFoundError, CodedError } from "../../../core/errors.ts";
import { apiVersionHeader } from "../../../core/oci-api/api-answer.ts";
import type { RegistryWriter } from "../../../core/ports/registry-writer.ts";
import { type BlobRouteDeps, blobRoute } from "../../http/blob-route.ts";
import type { KnownBlobs } from "../../known-blobs.ts";
import { type PushExchange, refuseMethod } from "./push-exchange.ts";

/** What {@link pushedBlobRoute} works with. */
export interface PushedBlobRouteDeps extends BlobRouteDeps {
  readonly known: Pick<KnownBlobs, "add" | "find" | "touch">;
  readonly writer: Pick<RegistryWriter, "blobSize">;
}

/** Milliseconds that a registry may take to say whether it has a blob: else the client uploads it. */
const lookTimeoutMs = 5000;

/**
 * Answers `GET` and `HEAD` of a blob: one that is here, wherever it came from, or one that the
 * repository has. What is here is not asked for: a client that is told of a blob does not
 * upload it, and its registry gets it with the manifest that names it.
 */
export async function pushedBlobRoute(
  digest: Digest,
  exchange: PushExchange,
  deps: PushedBlobRouteDeps,
): Promise<void> {
  const { request, response, signal } = exchange;
  if (request.method !== "GET" && request.method !== "HEAD") refuseMethod("GET, HEAD");
  if (deps.store.find(digest)?.whole !== true) await lookThere(digest, exchange, deps);
  // It should stay for the manifest that is about to name it.
  deps.known.touch(digest);
  for (const [name, value] of Object.entries(apiVersionHeader)) response.setHeader(name, value);
  response.setHeader("docker-content-digest", digest);
  await blobRoute(request, response, { path: digest, deps, signal });
}

/** @throws {BlobNotFoundError} also when the registry cannot be asked. */
async function lookThere(
  digest: Digest,
  { registry, repository, signal }: PushExchange,
  { known, writer }: PushedBlobRouteDeps,
): Promise<void> {
  const deadline = createDeadline(signal, lookTimeoutMs);
  let size: number | undefined;
  try {
    size = await writer.blobSize({ registry, repository, digest }, deadline);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof CodedError) && !deadline.signal.aborted) throw error;
  } finally {
    deadline[Symbol.dispose]();
  }
  if (size === undefined) throw new BlobNotFoundError(digest);
  const mediaType = known.find(digest)?.descriptor.mediaType ?? "application/octet-stream";
  known.add({ registry, repository, descriptor: { mediaType, digest, size } });
}
