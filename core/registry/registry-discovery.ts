import { algorithmOf, hexOf } from "../digest.ts";
import { ImageNotFoundError, UnavailableError } from "../errors.ts";
import { manifestLengthMax, parseImageManifest } from "../image-manifest.ts";
import { isTag } from "../image-reference.ts";
import { type JsonObject, parseJsonObject } from "../json-object.ts";
import { mediaTypes } from "../media-type.ts";
import type {
  ContentDiscovery,
  ReferrersAnswer,
  TagCursor,
  TagPage,
} from "../ports/content-discovery.ts";
import type { OriginOptions, Repository } from "../ports/origin.ts";
import { type HttpResponse, discardBody, readBounded } from "./http-request.ts";
import type { RegistryClient } from "./registry-client.ts";

/** Longest list of tags, in bytes: some repositories have ten thousands, and no pages. */
const listLengthMax = 4 * 1024 * 1024;

/** Longest `Link` header that is looked into. */
const linkLengthMax = 4096;

/** Lists what registries have. */
export class RegistryDiscovery implements ContentDiscovery {
  readonly #client: RegistryClient;

  constructor(client: RegistryClient) {
    this.#client = client;
  }

  async tags(
    { count, last, ...repository }: Repository & TagCursor,
    options: OriginOptions,
  ): Promise<TagPage> {
    const query = new URLSearchParams({
      ...(count !== undefined && { n: String(count) }),
      ...(last !== undefined && { last }),
    });
    const path = `tags/list${query.size === 0 ? "" : `?${query.toString()}`}`;
    const response = await this.#get({ ...repository, path }, "application/json", options);
    const next = nextIn(response.headers["link"]);
    const { tags } = await readDocument(response, repository, options);
    // Docker's registry says null of a repository whose tags were all deleted.
    if (!Array.isArray(tags ?? [])) throw malformed(repository);
    const list: readonly unknown[] = Array.isArray(tags) ? tags : [];
    return { tags: list.filter((tag) => typeof tag === "string").filter(isTag), next };
  }

  async referrers(
    of: Parameters<ContentDiscovery["referrers"]>[0],
    options: OriginOptions,
  ): Promise<ReferrersAnswer> {
    const { registry, repository, digest, artifactType } = of;
    const query =
      artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`;
    const place = { registry, repository };
    try {
      const request = { ...place, path: `referrers/${digest}${query}` };
      const response = await this.#get(request, mediaTypes.ociIndex, options);
      const isFiltered = String(response.headers["oci-filters-applied"] ?? "").includes(
        "artifactType",
      );
      return { index: await readIndex(response, place, options), isFiltered };
    } catch (error) {
      if (!(error instanceof ImageNotFoundError)) throw error;
    }
    const tag = `${algorithmOf(digest)}-${hexOf(digest).slice(0, 64)}`;
    try {
      const request = { ...place, path: `manifests/${tag}` };
      const response = await this.#get(request, mediaTypes.ociIndex, options);
      return { index: await readIndex(response, place, options), isFiltered: false };
    } catch (error) {
      if (!(error instanceof ImageNotFoundError)) throw error;
      return { index: emptyIndex(), isFiltered: false };
    }
  }

  async #get(
    request: Repository & { readonly path: string },
    accept: string,
    { authorization, signal }: OriginOptions,
  ): Promise<HttpResponse> {
    const { registry, repository } = request;
    const response = await this.#client.request(
      { ...request, method: "GET", headers: { accept }, authorization },
      { signal },
    );
    if (response.statusCode === 200) return response;
    await discardBody(response);
    if (response.statusCode === 404) throw new ImageNotFoundError(`${registry}/${repository}`);
    throw new UnavailableError(`Cannot ask ${registry}: status ${response.statusCode}`);
  }
}

async function readDocument(
  response: HttpResponse,
  repository: Repository,
  { signal }: OriginOptions,
): Promise<JsonObject> {
  const bytes = await readBounded(response, { lengthMax: listLengthMax, signal });
  try {
    return parseJsonObject(bytes, { what: "list of tags", lengthMax: listLengthMax });
  } catch (cause) {
    throw malformed(repository, { cause });
  }
}

/** An index and nothing else: what a registry says must not be a way to read other services. */
async function readIndex(
  response: HttpResponse,
  repository: Repository,
  { signal }: OriginOptions,
): Promise<Uint8Array> {
  if (response.headers["link"] !== undefined) {
    // Half a list of signatures is none.
    await discardBody(response);
    throw new UnavailableError(`Cannot give what ${repository.registry} lists in several parts`);
  }
  const bytes = await readBounded(response, { lengthMax: manifestLengthMax, signal });
  try {
    if (parseImageManifest(bytes, mediaTypes.ociIndex).kind === "index") return bytes;
  } catch (cause) {
    throw malformed(repository, { cause });
  }
  throw malformed(repository);
}

function emptyIndex(): Uint8Array {
  return Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }),
  );
}

/** The query of `<…?n=…&last=…>; rel="next"`: where the link leads is the registry's business. */
function nextIn(header: string | string[] | undefined): TagCursor | undefined {
  const text = Array.isArray(header) ? header.join(", ") : (header ?? "");
  const match = /<[^<>?]*\?([^<>]*)>\s*;\s*rel="?next"?/.exec(text.slice(0, linkLengthMax));
  if (match?.[1] === undefined) return undefined;
  const query = new URLSearchParams(match[1]);
  const [n, last] = [Number(query.get("n")), query.get("last")];
  if (last === null) return undefined;
  return { last, ...(Number.isSafeInteger(n) && n > 0 && { count: n }) };
}

function malformed({ registry, repository }: Repository, options?: ErrorOptions): UnavailableError {
  return new UnavailableError(`Cannot read what ${registry} says of ${repository}`, options);
}
