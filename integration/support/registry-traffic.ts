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

/** The blobs that anybody but our services asked a registry for. */
export function blobsAskedByEngine(requests: readonly RegistryRequest[]): readonly string[] {
  return requests
    .filter(({ path, userAgent }) => path.includes("/blobs/") && !userAgent.startsWith("shoal"))
    .map(({ method, path }) => `${method} ${path}`);
}

/** The blobs of which a registry gave all or a part more than once. */
export function blobsGivenTwice(requests: readonly RegistryRequest[]): readonly string[] {
  const given = requests
    .filter((request) => isDownload(request) && request.path.includes("/blobs/"))
    .map(({ path }) => path);
  return [...new Set(given.filter((path, index) => given.indexOf(path) !== index))];
}
