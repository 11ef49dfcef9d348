import { type Digest, isDigest } from "./digest.ts";
import { isJsonObject, malformed, parseJsonObject } from "./json-object.ts";

/** What the config of an image says that is of use here. */
export interface ImageConfig {
  /** The diffIDs of the image's layers, the lowest first. */
  readonly diffIds: readonly Digest[];
}

/** Longest config, in bytes: as long as a manifest, which tools make from the same build. */
export const configLengthMax = 4 * 1024 * 1024;

/** Layers that are read of one config: images stop at 127. */
const layersMax = 1000;

/**
 * Reads the config of an image, of OCI or Docker.
 *
 * @throws {InvalidArgumentError} when it is too long, not JSON, or does not tell its layers
 *   by digests of a known algorithm.
 * @see OCI image-spec v1.1, config.md
 */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const config = parseJsonObject(bytes, { what: "image config", lengthMax: configLengthMax });
  const { rootfs } = config;
  if (!isJsonObject(rootfs)) throw malformed("image config", "rootfs is not an object");
  const { diff_ids: diffIds } = rootfs;
  if (!Array.isArray(diffIds)) throw malformed("image config", "diff_ids is not a list");
  if (diffIds.length > layersMax) {
    throw malformed("image config", `diff_ids has more than ${layersMax} entries`);
  }
  return { diffIds: diffIds.map(parseDiffId) };
}

function parseDiffId(value: unknown): Digest {
  if (typeof value === "string" && isDigest(value)) return value;
  throw malformed("image config", "diff_ids has a bad digest");
}
