import { isDownload, type RegistryRequest } from "./access-log.ts";
import type { NetworkHost } from "./network.ts";

/** What a host asked a registry for beside tags: manifests by digest, and blobs. */
export function askedByDigest(
  host: NetworkHost,
  requests: readonly RegistryRequest[],
): readonly string[] {
  return requests
    .filter(({ client, path }) => client === host.address && path.includes("/sha256:"))
    .map(({ method, path }) => `${method} ${path}`);
}

/** The blobs, manifests not among them, that a host took from a registry. */
export function blobsTakenBy(
  host: NetworkHost,
  requests: readonly RegistryRequest[],
): readonly RegistryRequest[] {
  return requests.filter(
    (request) =>
      request.client === host.address && isDownload(request) && request.path.includes("/blobs/"),
  );
}
