import { type Digest, isDigest } from "../digest.ts";
import { isRepository, isTag } from "../image-reference.ts";
import { ApiError } from "./api-error.ts";

/** By what a manifest is asked for. */
export type ManifestName = { readonly tag: string } | { readonly digest: Digest };

/** What the path of a request to a registry names. */
export type ApiPath =
  /** `/v2/`: whether this is a registry, and what it wants of clients. */
  | { readonly kind: "base" }
  | { readonly kind: "manifest"; readonly repository: string; readonly name: ManifestName }
  | { readonly kind: "blob"; readonly repository: string; readonly digest: Digest }
  /** `blobs/uploads/`: where uploads begin. */
  | { readonly kind: "uploads"; readonly repository: string }
  | { readonly kind: "upload"; readonly repository: string; readonly id: string }
  | { readonly kind: "tags"; readonly repository: string }
  | { readonly kind: "referrers"; readonly repository: string; readonly digest: Digest };

/** Longest path: a name of 255 characters, a digest of 135, and what is between them. */
const pathLengthMax = 1024;

/** An id of an upload is one of ours: a UUID, or text of the like. */
const uploadId = /^[A-Za-z0-9_-]{1,128}$/;

/**
 * Reads the path of a URL, as it is in the request line, without its query. Names with slashes,
 * and percent-encoded characters, are understood.
 *
 * @throws {ApiError} NAME_UNKNOWN when it is none of the API; NAME_INVALID, TAG_INVALID,
 *   DIGEST_INVALID and BLOB_UPLOAD_UNKNOWN when a part of it is malformed.
 * @see OCI distribution-spec v1.1, "Endpoints"
 */
export function parseApiPath(path: string): ApiPath {
  const text = decoded(path);
  if (text === "/v2" || text === "/v2/") return { kind: "base" };
  if (!text.startsWith("/v2/")) throw new ApiError("NAME_UNKNOWN", "Cannot find that: want /v2/");
  const words = text.slice("/v2/".length).split("/");
  const [beforeLast = "", last = ""] = words.slice(-2);
  // Repositories may have components named as the API's own words: the last ones count.
  if (words.length >= 3) {
    if (beforeLast === "uploads" && words.at(-3) === "blobs" && words.length >= 4) {
      const repository = repositoryOf(words.slice(0, -3));
      return last === "" ? { kind: "uploads", repository } : uploadOf(repository, last);
    }
    const repository = () => repositoryOf(words.slice(0, -2));
    if (beforeLast === "blobs" && last === "uploads") {
      return { kind: "uploads", repository: repository() };
    }
    if (beforeLast === "tags" && last === "list") return { kind: "tags", repository: repository() };
    if (beforeLast === "manifests") {
      return { kind: "manifest", repository: repository(), name: parseManifestName(last) };
    }
    if (beforeLast === "blobs") {
      return { kind: "blob", repository: repository(), digest: digestIn(last) };
    }
    if (beforeLast === "referrers") {
      return { kind: "referrers", repository: repository(), digest: digestIn(last) };
    }
  }
  throw new ApiError("NAME_UNKNOWN", "Cannot find that: it is no path of the distribution API");
}

/** @throws {ApiError} TAG_INVALID or DIGEST_INVALID */
function parseManifestName(text: string): ManifestName {
  if (text.includes(":")) return { digest: digestIn(text) };
  if (!isTag(text)) throw new ApiError("TAG_INVALID", `Cannot parse tag ${quoted(text)}`);
  return { tag: text };
}

function uploadOf(repository: string, id: string): ApiPath {
  if (!uploadId.test(id)) throw new ApiError("BLOB_UPLOAD_UNKNOWN", "Cannot find that upload");
  return { kind: "upload", repository, id };
}

function repositoryOf(words: readonly string[]): string {
  const name = words.join("/");
  if (!isRepository(name)) throw new ApiError("NAME_INVALID", `Cannot parse name ${quoted(name)}`);
  return name;
}

function digestIn(text: string): Digest {
  if (isDigest(text)) return text;
  throw new ApiError("DIGEST_INVALID", `Cannot parse digest ${quoted(text)}`);
}

function decoded(path: string): string {
  if (path.length > pathLengthMax)
    throw new ApiError("NAME_INVALID", "Cannot parse a path so long");
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new ApiError("NAME_INVALID", "Cannot parse the path: it is not percent-encoded", {
      cause,
    });
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 160));
}
