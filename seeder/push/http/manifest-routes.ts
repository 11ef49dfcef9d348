import type { Limiter } from "../../../core/async/limiter.ts";
import type { Descriptor } from "../../../core/descriptor.ts";
import { manifestLengthMax, mediaTypeOfManifest } from "../../../core/image-manifest.ts";
import { isIndex, isManifest } from "../../../core/media-type.ts";
import { apiVersionHeader } from "../../../core/oci-api/api-answer.ts";
import type { ManifestName } from "../../../core/oci-api/api-path.ts";
import type { BlobReader } from "../../../core/ports/blob-store.ts";
import type { Origin } from "../../../core/ports/origin.ts";
import type { BlobCache } from "../../blob-cache.ts";
import type { PushQueue } from "../push-queue.ts";
import { readWhole } from "../read-whole.ts";
import { type TakeManifestDeps, takeManifest } from "../take-manifest.ts";
import { type PushExchange, refuseMethod, sendEmpty } from "./push-exchange.ts";
import { readShortBody } from "./request-body.ts";

/** What the routes of manifests work with. */
export interface ManifestRoutesDeps extends TakeManifestDeps {
  readonly store: TakeManifestDeps["store"] & Pick<BlobReader, "read">;
  readonly origin: Pick<Origin, "resolve">;
  readonly cache: Pick<BlobCache, "obtain">;
  readonly queue: Pick<PushQueue, "add" | "tag">;
  /** Bounds the manifests that are taken at once: each is in memory. */
  readonly manifestLimiter: Limiter;
}

/** Answers requests about a manifest. */
export async function manifestRoute(
  name: ManifestName,
  exchange: PushExchange,
  deps: ManifestRoutesDeps,
): Promise<void> {
  switch (exchange.request.method) {
    case "PUT":
      return deps.manifestLimiter.run(exchange.signal, () => putManifest(name, exchange, deps));
    case "GET":
    case "HEAD":
      return giveManifest(name, exchange, deps);
    default:
      refuseMethod("GET, HEAD, PUT");
  }
}

async function putManifest(
  name: ManifestName,
  { request, response, registry, repository, signal }: PushExchange,
  deps: ManifestRoutesDeps,
): Promise<void> {
  const bytes = await readShortBody(request, manifestLengthMax);
  const [type = ""] = (request.headers["content-type"] ?? "").split(";", 1);
  const mediaType = type.trim() === "" ? undefined : type.trim();
  const upload = { registry, repository, name, bytes, mediaType };
  const { digest } = await takeManifest(upload, deps, { signal });
  // Without OCI-Subject, which only those may send who list referrers: clients then keep the
  // list in a tag, which is a push like others.
  const location = `/v2/${repository}/manifests/${digest}`;
  sendEmpty(response, 201, { location, "docker-content-digest": digest });
}

async function giveManifest(
  name: ManifestName,
  { request, response, registry, repository, signal }: PushExchange,
  deps: ManifestRoutesDeps,
): Promise<void> {
  const place = { registry, repository };
  const pushed = "tag" in name ? deps.queue.tag(place, name.tag)?.descriptor : undefined;
  const here =
    pushed ?? ("digest" in name ? await describeHere(name, { ...deps, signal }) : undefined);
  const descriptor = here ?? (await deps.origin.resolve({ ...place, ...name }, { signal }));
  const head = {
    ...apiVersionHeader,
    "content-length": descriptor.size,
    "content-type": descriptor.mediaType,
    "docker-content-digest": descriptor.digest,
    etag: `"${descriptor.digest}"`,
  };
  if (request.method === "HEAD") {
    response.writeHead(200, head).end();
    return;
  }
  if (!here)
    await deps.cache.obtain({ ...place, descriptor }, { onBytes: () => undefined, signal });
  const bytes = await readManifest(descriptor.digest, { ...deps, signal });
  response.writeHead(200, head).end(bytes);
}

/** What a manifest that is here says of itself; `undefined` when it is not here. */
async function describeHere(
  { digest }: Extract<ManifestName, { readonly digest: unknown }>,
  { store, signal }: Pick<ManifestRoutesDeps, "store"> & { readonly signal: AbortSignal },
): Promise<Descriptor | undefined> {
  const record = store.find(digest);
  if (record?.whole !== true || record.size > manifestLengthMax) return undefined;
  try {
    const mediaType = mediaTypeOfManifest(await readManifest(digest, { store, signal }));
    return isManifest(mediaType) || isIndex(mediaType)
      ? { mediaType, digest, size: record.size }
      : undefined;
  } catch {
    signal.throwIfAborted();
    // A blob that is no manifest is not found where manifests are.
    return undefined;
  }
}

async function readManifest(
  digest: Descriptor["digest"],
  { store, signal }: Pick<ManifestRoutesDeps, "store"> & { readonly signal: AbortSignal },
): Promise<Buffer> {
  return readWhole(digest, { store, lengthMax: manifestLengthMax, signal });
}
