import type { OutgoingHttpHeaders } from "node:http";

import type { Descriptor } from "../../core/descriptor.ts";
import { isAccepted } from "../../core/oci-api/accept.ts";
import { apiVersionHeader } from "../../core/oci-api/api-answer.ts";
import { ApiError } from "../../core/oci-api/api-error.ts";
import type { ManifestName } from "../../core/oci-api/api-path.ts";
import type { TagResolver } from "../../core/ports/tag-resolver.ts";
import type { Prefetch } from "../prefetch.ts";
import type { Provenance } from "../provenance/provenance.ts";
import type { ManifestSupply } from "./manifest-supply.ts";
import { type RouteCall, etagOf, isUnmodified } from "./route-call.ts";

/** What {@link manifestRoute} works with. */
export interface ManifestRouteDeps {
  readonly manifests: Pick<ManifestSupply, "get">;
  readonly resolver: TagResolver;
  readonly provenance: Pick<Provenance, "learn">;
  /** Told of what is given, so that what it names arrives side by side. */
  readonly prefetch: Pick<Prefetch, "manifestGiven">;
}

/**
 * Answers `GET` and `HEAD /v2/<name>/manifests/<tag or digest>`. A tag is what the resolver says
 * it is; to HEAD that is the whole answer.
 *
 * @throws {CodedError}
 */
export async function manifestRoute(
  name: ManifestName,
  call: RouteCall,
  { manifests, resolver, provenance, prefetch }: ManifestRouteDeps,
): Promise<void> {
  const { registry, repository, authorization, request, response, signal } = call;
  const place = { registry, repository };
  let digest;
  if ("tag" in name) {
    const reference = { ...place, tag: name.tag };
    const { descriptor } = await resolver.resolve(reference, { authorization, signal });
    provenance.learn(place, descriptor);
    checkAccepted(call, descriptor.mediaType);
    if (request.method === "HEAD" || isUnmodified(request, descriptor.digest)) {
      sendHead(call, descriptor);
      return;
    }
    ({ digest } = descriptor);
  } else {
    ({ digest } = name);
    provenance.learn(place, { digest });
  }
  const manifest = await manifests.get({ ...place, digest, authorization }, { signal });
  checkAccepted(call, manifest.mediaType);
  const descriptor = { ...manifest, size: manifest.bytes.byteLength };
  provenance.learn(place, descriptor);
  if (request.method === "HEAD" || isUnmodified(request, digest)) {
    sendHead(call, descriptor);
    return;
  }
  response.writeHead(200, headersOf(descriptor));
  response.end(manifest.bytes);
  prefetch.manifestGiven(manifest, { authorization });
}

/** A client that cannot use it may get another from the registry, which converts for old ones. */
function checkAccepted({ request }: RouteCall, mediaType: string): void {
  if (isAccepted(request.headers.accept, mediaType)) return;
  throw new ApiError("MANIFEST_UNKNOWN", "Cannot give the manifest in a form that is accepted");
}

function sendHead({ request, response }: RouteCall, descriptor: Descriptor): void {
  const status = isUnmodified(request, descriptor.digest) ? 304 : 200;
  response.writeHead(status, headersOf(descriptor)).end();
}

function headersOf({ digest, size, mediaType }: Descriptor): OutgoingHttpHeaders {
  return {
    ...apiVersionHeader,
    "content-length": size,
    "content-type": mediaType,
    "docker-content-digest": digest,
    etag: etagOf(digest),
  };
}
