import { rootCertificates } from "node:tls";

import { Agent } from "undici";

/**
 * Connections to one host: whoever asks bounds the blobs at once, at 100 for pulls and 100 for
 * preheats, and has some left for manifests.
 */
const connectionsMax = 256;

/** Milliseconds until a host counts as dead, or as hung before its answer or within it. */
const connectTimeoutMs = 5000;
const headersTimeoutMs = 30_000;
const bodyTimeoutMs = 60_000;

/** Milliseconds that an idle connection is kept: the blobs of an image follow each other. */
const keepAliveTimeoutMs = 10_000;

/**
 * Connections to registries. Destroy it when no request is wanted any more.
 *
 * @param options.ca Certificates in PEM that are trusted beside those of Node.
 */
export function createRegistryAgent(options: { readonly ca?: string } = {}): Agent {
  const ca = options.ca === undefined ? undefined : [...rootCertificates, options.ca];
  return new Agent({
    connect: { timeout: connectTimeoutMs, ...(ca && { ca }) },
    connections: connectionsMax,
    headersTimeout: headersTimeoutMs,
    bodyTimeout: bodyTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    pipelining: 1,
  });
}
