import { createHash } from "node:crypto";

import { type Digest, algorithmOf, digestFromHash } from "../core/digest.ts";
import { BlobNotFoundError, BlobSizeError, DigestMismatchError, codeOf } from "../core/errors.ts";
import { manifestLengthMax } from "../core/image-manifest.ts";
import { mediaTypes } from "../core/media-type.ts";
import { type Metainfo, createMetainfo } from "../core/metainfo.ts";
import { PieceHasher } from "../core/piece-hasher.ts";
import { pieceLayoutOf } from "../core/piece-layout.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { Origin, Repository } from "../core/ports/origin.ts";
import type { BlobRepositories } from "./blob-repositories.ts";

/** What {@link LastResort} works with. */
export interface LastResortDeps {
  readonly repositories: Pick<BlobRepositories, "find">;
  readonly origin: Origin;
  readonly logger: Logger;
}

/** A blob that containerd was promised. */
interface PromisedBlob {
  readonly digest: Digest;
  readonly size: number;
}

/**
 * Where a promised blob comes from when the swarm has lost it: the registry that it was
 * pulled from. containerd does not ask there any more, for it believes to have the blob.
 */
export class LastResort {
  readonly #deps: LastResortDeps;

  constructor(deps: LastResortDeps) {
    this.#deps = deps;
  }

  /**
   * Reads a blob from an offset to its end; where one repository breaks off the next one
   * goes on. Not checked against the digest.
   *
   * @throws {BlobNotFoundError} when no repository is known, or none gives the rest.
   * @throws {UnavailableError} when containerd cannot be asked for them.
   */
  async *read(
    { digest, size }: PromisedBlob,
    { start, signal }: Cancellable & { readonly start: number },
  ): AsyncGenerator<Uint8Array, void> {
    const { repositories, origin, logger } = this.#deps;
    const failures: unknown[] = [];
    let offset = start;
    for (const repository of await repositories.find(digest, { signal })) {
      for (const mediaType of mediaTypesOf(size)) {
        const from = { ...repository, descriptor: { digest, size, mediaType } };
        try {
          logger.info("asking the origin for a promised blob", fieldsOf(from, offset));
          for await (const chunk of origin.blob(from, { start: offset, signal })) {
            offset += chunk.byteLength;
            yield chunk;
          }
          return;
        } catch (error) {
          signal.throwIfAborted();
          failures.push(error);
          const fields = { ...fieldsOf(from, offset), code: codeOf(error) };
          logger.warn("the origin does not give a promised blob", fields);
        }
      }
    }
    throw new BlobNotFoundError(digest, { cause: new AggregateError(failures) });
  }

  /**
   * Reads all of a blob and describes it, for one whose torrent was lost or was wrong.
   *
   * @throws {DigestMismatchError} and {BlobSizeError} when the repository has another blob.
   * @throws as {@link read}
   */
  async describe(blob: PromisedBlob, { signal }: Cancellable): Promise<Metainfo> {
    const { digest, size } = blob;
    const pieces = new PieceHasher(pieceLayoutOf(size).pieceLength);
    const whole = createHash(algorithmOf(digest));
    let length = 0;
    for await (const chunk of this.read(blob, { start: 0, signal })) {
      length += chunk.byteLength;
      pieces.update(chunk);
      whole.update(chunk);
    }
    if (length !== size) throw new BlobSizeError(size, length);
    const actual = digestFromHash(whole, algorithmOf(digest));
    if (actual !== digest) throw new DigestMismatchError(digest, actual);
    return createMetainfo({ digest, size, pieceHashes: pieces.digest() });
  }
}

/** What a blob may be, for registries that keep manifests elsewhere than other blobs. */
function mediaTypesOf(size: number): readonly string[] {
  const bytes = "application/octet-stream";
  return size > manifestLengthMax ? [bytes] : [bytes, mediaTypes.ociManifest];
}

function fieldsOf(
  { registry, repository, descriptor }: Repository & { readonly descriptor: PromisedBlob },
  offset: number,
): Readonly<Record<string, unknown>> {
  return { digest: descriptor.digest, registry, repository, offset };
}
