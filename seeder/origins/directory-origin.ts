import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import type { Descriptor } from "../../core/descriptor.ts";
import { type Digest, algorithmOf, hexOf, parseDigest } from "../../core/digest.ts";
import { BlobNotFoundError, ImageNotFoundError, UnavailableError } from "../../core/errors.ts";
import { manifestLengthMax, parseImageManifest } from "../../core/image-manifest.ts";
import { type ImageReference, formatImageReference } from "../../core/image-reference.ts";
import { mediaTypes } from "../../core/media-type.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { DescribingOrigin, Repository } from "../../core/ports/origin.ts";

/** Bytes read at once. */
const chunkLength = 1024 * 1024;

/**
 * A directory in the storage layout of Docker's registry, on this machine or mounted. All
 * of its repositories share their blobs: a blob may be had by the name of any of them.
 *
 * References are checked before they get here: neither a repository nor a tag can
 * climb out of the directory.
 *
 * @see distribution/distribution registry/storage/paths.go
 */
export class DirectoryOrigin implements DescribingOrigin {
  readonly #root: string;

  /** @param path The folder that holds `docker/registry/v2`. */
  constructor(path: string) {
    this.#root = join(path, "docker", "registry", "v2");
  }

  async resolve(reference: ImageReference, { signal }: Cancellable): Promise<Descriptor> {
    signal.throwIfAborted();
    const digest = reference.digest ?? (await this.#digestOfTag(reference, signal));
    const path = this.#blobPath(digest);
    try {
      const { size } = await stat(path);
      if (size > manifestLengthMax) {
        throw new UnavailableError(`Cannot read manifest ${digest}: it is too long`);
      }
      return { mediaType: mediaTypeOf(await readFile(path, { signal })), digest, size };
    } catch (error) {
      signal.throwIfAborted();
      throw translate(error, new ImageNotFoundError(formatImageReference(reference)));
    }
  }

  async *blob(
    { descriptor }: Repository & { readonly descriptor: Descriptor },
    { start, signal }: Cancellable & { readonly start: number },
  ): AsyncGenerator<Uint8Array, void> {
    if (start === descriptor.size) return;
    const end = descriptor.size - 1;
    const path = this.#blobPath(descriptor.digest);
    const stream = createReadStream(path, { start, end, highWaterMark: chunkLength, signal });
    try {
      yield* stream as AsyncIterable<Uint8Array>;
    } catch (error) {
      signal.throwIfAborted();
      throw translate(error, new BlobNotFoundError(descriptor.digest));
    } finally {
      stream.destroy();
    }
  }

  async describe(
    { digest }: Repository & { readonly digest: Digest },
    { signal }: Cancellable,
  ): Promise<Descriptor> {
    signal.throwIfAborted();
    try {
      const { size } = await stat(this.#blobPath(digest));
      // All blobs are kept in one place here: nobody needs to know which are manifests.
      return { mediaType: "application/octet-stream", digest, size };
    } catch (error) {
      signal.throwIfAborted();
      throw translate(error, new BlobNotFoundError(digest));
    }
  }

  async #digestOfTag(reference: ImageReference, signal: AbortSignal): Promise<Digest> {
    const { repository, tag = "latest" } = reference;
    const tags = join(this.#root, "repositories", repository, "_manifests", "tags");
    try {
      const link = await readFile(join(tags, tag, "current", "link"), { encoding: "utf8", signal });
      return parseDigest(link.trim());
    } catch (error) {
      signal.throwIfAborted();
      throw translate(error, new ImageNotFoundError(formatImageReference(reference)));
    }
  }

  #blobPath(digest: Digest): string {
    const hex = hexOf(digest);
    return join(this.#root, "blobs", algorithmOf(digest), hex.slice(0, 2), hex, "data");
  }
}

/** The media type that a manifest says, or the OCI one of its form. @throws {InvalidArgumentError} */
function mediaTypeOf(bytes: Uint8Array): string {
  const { kind } = parseImageManifest(bytes);
  const { mediaType } = JSON.parse(Buffer.from(bytes).toString("utf8")) as { mediaType?: unknown };
  if (typeof mediaType === "string") return mediaType;
  return kind === "index" ? mediaTypes.ociIndex : mediaTypes.ociManifest;
}

function translate(error: unknown, missing: Error): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR") return missing;
  if (typeof code !== "string" || !/^E[A-Z]+$/.test(code)) return error;
  return new UnavailableError(`Cannot read the directory of an origin: ${code}`, { cause: error });
}
