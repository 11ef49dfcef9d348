import type { Descriptor } from "../../core/descriptor.ts";
import { InvalidArgumentError } from "../../core/errors.ts";
import {
  manifestLengthMax,
  mediaTypeOfManifest,
  parseImageManifest,
} from "../../core/image-manifest.ts";
import { parseJsonObject } from "../../core/json-object.ts";
import { isIndex, isManifest } from "../../core/media-type.ts";
import { ApiError } from "../../core/oci-api/api-error.ts";

/** A manifest that a client pushes: its media type, and what it names. */
export interface PushedManifest {
  readonly mediaType: string;
  /** Config and layers, each once; those that registries need not have are left out. */
  readonly blobs: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
}

/** Layers that lie elsewhere: whoever made them does not allow that they are passed on. */
const elsewhere = /\.(?:nondistributable|foreign)\./;

/**
 * Reads a manifest or index that is pushed.
 *
 * @param contentType What the request says that it is; must agree with what it says itself.
 * @throws {ApiError} MANIFEST_INVALID
 */
export function parsePushedManifest(
  bytes: Uint8Array,
  contentType: string | undefined,
): PushedManifest {
  try {
    const mediaType = mediaTypeFor(bytes, contentType);
    const manifest = parseImageManifest(bytes, mediaType);
    if (manifest.kind === "index") {
      const named = manifest.manifests.map(({ descriptor }) => descriptor);
      return { mediaType, blobs: [], manifests: uniqueOf(named) };
    }
    const here = manifest.layers.filter((layer) => !elsewhere.test(layer.mediaType));
    return { mediaType, blobs: uniqueOf([manifest.config, ...here]), manifests: [] };
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new ApiError("MANIFEST_INVALID", error.message, { cause: error });
  }
}

function mediaTypeFor(bytes: Uint8Array, contentType: string | undefined): string {
  const document = parseJsonObject(bytes, { what: "manifest", lengthMax: manifestLengthMax });
  const own = document["mediaType"];
  if (typeof own === "string" && contentType !== undefined && own !== contentType) {
    throw new InvalidArgumentError("Cannot take the manifest: its type is not the Content-Type");
  }
  const mediaType = contentType ?? (typeof own === "string" ? own : mediaTypeOfManifest(bytes));
  if (isManifest(mediaType) || isIndex(mediaType)) return mediaType;
  throw new InvalidArgumentError("Cannot take the manifest: want one of an image, or an index");
}

function uniqueOf(descriptors: readonly Descriptor[]): Descriptor[] {
  return [...new Map(descriptors.map((one) => [one.digest, one])).values()];
}
