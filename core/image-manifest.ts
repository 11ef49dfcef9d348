import type { Descriptor } from "./descriptor.ts";
import { isDigest } from "./digest.ts";
import type { InvalidArgumentError } from "./errors.ts";
import {
  type JsonObject,
  isJsonObject,
  malformed as malformedDocument,
  parseJsonObject,
} from "./json-object.ts";
import { isIndex, isManifest, mediaTypes } from "./media-type.ts";
import type { Platform } from "./platform.ts";

/** One entry of an index: a manifest, and what it is for if it says so. */
export interface IndexEntry {
  readonly descriptor: Descriptor;
  readonly platform?: Platform;
}

/** What a manifest or index names: all that is needed to know which blobs come next. */
export type ImageManifest =
  | { readonly kind: "index"; readonly manifests: readonly IndexEntry[] }
  | {
      readonly kind: "manifest";
      readonly config: Descriptor;
      /** Lowest layer first. */
      readonly layers: readonly Descriptor[];
    };

/** Longest manifest, in bytes: registries take 4 MiB at most. */
export const manifestLengthMax = 4 * 1024 * 1024;

/** Entries that are read of one manifest: images stop at 127 layers, indexes at dozens. */
const entriesMax = 1000;

/** Characters of the longest media type: the two names in one have at most 127 each (RFC 6838). */
const mediaTypeLengthMax = 255;

/**
 * The media type of a manifest or index: the one that it says, or the OCI one of its form.
 *
 * @throws {InvalidArgumentError} as {@link parseImageManifest}
 */
export function mediaTypeOfManifest(bytes: Uint8Array): string {
  const { mediaType } = parseDocument(bytes);
  if (typeof mediaType === "string" && (isIndex(mediaType) || isManifest(mediaType))) {
    return mediaType;
  }
  return parseImageManifest(bytes).kind === "index" ? mediaTypes.ociIndex : mediaTypes.ociManifest;
}

/**
 * Reads the manifest of an image, or an index of them, of OCI or Docker.
 *
 * `mediaType` is what the registry or descriptor said; the document's own field stands
 * above it, and without both the document is judged by its form.
 *
 * @throws {InvalidArgumentError} when it is too long, not JSON, or not of that form:
 *   every descriptor must have a digest of a known algorithm and a size.
 * @see OCI image-spec v1.1, manifest.md and image-index.md
 */
export function parseImageManifest(bytes: Uint8Array, mediaType?: string): ImageManifest {
  const document = parseDocument(bytes);
  const type = typeof document["mediaType"] === "string" ? document["mediaType"] : mediaType;
  if (type !== undefined ? isIndex(type) : "manifests" in document) {
    return { kind: "index", manifests: listIn(document, "manifests").map(parseEntry) };
  }
  if (type !== undefined && !isManifest(type)) {
    throw malformed(`media type ${JSON.stringify(type.slice(0, 100))} is not one of an image`);
  }
  const config = parseDescriptor(document["config"], "config");
  const layers = listIn(document, "layers").map((layer) => parseDescriptor(layer, "layers"));
  return { kind: "manifest", config, layers };
}

function parseDocument(bytes: Uint8Array): JsonObject {
  return parseJsonObject(bytes, { what: "manifest", lengthMax: manifestLengthMax });
}

function parseEntry(value: unknown): IndexEntry {
  const descriptor = parseDescriptor(value, "manifests");
  const platform = isJsonObject(value) ? parsePlatform(value["platform"]) : undefined;
  return platform ? { descriptor, platform } : { descriptor };
}

/** Platforms of entries that are no images (attestations say `unknown`) are kept as they are. */
function parsePlatform(value: unknown): Platform | undefined {
  if (!isJsonObject(value)) return undefined;
  const { os, architecture, variant } = value;
  if (typeof os !== "string" || typeof architecture !== "string") return undefined;
  return typeof variant === "string" && variant !== ""
    ? { os, architecture, variant }
    : { os, architecture };
}

function parseDescriptor(value: unknown, where: string): Descriptor {
  if (!isJsonObject(value)) throw malformed(`${where} holds no descriptor`);
  const { mediaType, digest, size } = value;
  if (typeof digest !== "string" || !isDigest(digest)) throw malformed(`${where} has a bad digest`);
  if (!Number.isSafeInteger(size) || (size as number) < 0)
    throw malformed(`${where} has a bad size`);
  return {
    mediaType: typeof mediaType === "string" ? shortType(mediaType) : "",
    digest,
    size: size as number,
  };
}

/** A part of a longer one would keep all of it in memory, for as long as anybody keeps the part. */
function shortType(mediaType: string): string {
  return mediaType.length <= mediaTypeLengthMax ? mediaType : "";
}

function listIn(document: JsonObject, key: string): readonly unknown[] {
  const list = document[key];
  if (!Array.isArray(list)) throw malformed(`${key} is not a list`);
  if (list.length > entriesMax) throw malformed(`${key} has more than ${entriesMax} entries`);
  return list;
}

function malformed(why: string): InvalidArgumentError {
  return malformedDocument("manifest", why);
}
