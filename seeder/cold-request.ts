import type { Credential } from "../core/credential.ts";
import type { Digest } from "../core/digest.ts";
import type { Authorization, Repository } from "../core/ports/origin.ts";
import { canonicalRegistry } from "../core/registry-name.ts";
import type { OriginBlob } from "./blob-fetch.ts";

/** What a name of a registry means that has no port. */
const httpsPort = "443";

/** A blob that a node wants to have fetched, and where it may be had from. */
export interface ColdRequest {
  readonly digest: Digest;
  /** Length in bytes, where the node knows it. */
  readonly size?: number | undefined;
  readonly mediaType?: string | undefined;
  /** Repositories to ask, the likeliest first. */
  readonly from: readonly Repository[];
  /** The right of the node's client to read of the registry of the first repository. */
  readonly authorization?: Credential | undefined;
}

/** A place to ask for a blob, and in whose name; left out: the seeder's own. */
export interface ColdPlace extends Repository {
  readonly authorization?: Authorization | undefined;
}

/**
 * The places to ask, in their order: those of the request, and then the one that the seeder
 * knows by itself. A client's right is shown to the one registry that it is for, and no other.
 */
export function placesOf(request: ColdRequest, known: OriginBlob | undefined): ColdPlace[] {
  const [first] = request.from;
  const places = new Map<string, ColdPlace>();
  for (const { registry, repository } of known ? [...request.from, known] : request.from) {
    const isFor = request.authorization !== undefined && registry === first?.registry;
    const authorization = isFor ? request.authorization : undefined;
    const name = `${registry}/${repository}`;
    if (!places.has(name)) places.set(name, { registry, repository, authorization });
  }
  return [...places.values()];
}

/**
 * Whether a node may be told of bytes of that registry before the digest of all of them is known:
 * what a registry gives wrong must fail the pulls of those alone who named it. For who names none,
 * the seeder's own configuration does.
 */
export function isNamedBy(
  { from }: { readonly from: readonly Pick<Repository, "registry">[] },
  registry: string,
  origin: { readonly lists: (registry: string) => boolean },
): boolean {
  if (from.length === 0) return origin.lists(registry);
  const given = hostOf(registry);
  return from.some((place) => {
    const { host, port } = hostOf(place.registry);
    return host === given.host && (port === undefined || port === (given.port ?? httpsPort));
  });
}

/** Nodes may know a registry from a label of containerd, which has no port: it means any of them. */
function hostOf(registry: string): { readonly host: string; readonly port: string | undefined } {
  const [ending = "", port] = /:([0-9]+)$/.exec(registry) ?? [];
  const host = registry.slice(0, registry.length - ending.length);
  return { host: canonicalRegistry(host), port };
}

/** Tells requests apart that may end differently. */
export function keyOf({ digest, size, mediaType, from, authorization }: ColdRequest): string {
  const places = from.map(({ registry, repository }) => `${registry}/${repository}`);
  return JSON.stringify([digest, size, mediaType, places, authorization?.fingerprint()]);
}
