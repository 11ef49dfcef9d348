import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

import { LRUCache } from "lru-cache";

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

/** How long a blob's origin is not warned of again: it is asked every few seconds. */
const toldTtlMs = 60_000;

/** Blobs that may be promised and lost at once; more are told of more often. */
const toldMax = 1000;

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
  /** Blobs of which it was told that their origin does not give them. */
  readonly #told = new LRUCache<Digest, true>({ max: toldMax, ttl: toldTtlMs });

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
          for await (const chunk of origin.blob(from, { start: offset, signal })) {
            if (offset === start) logger.info("the origin gives a blob", fieldsOf(from, offset));
            offset += chunk.byteLength;
            yield chunk;
          }
          return;
        } catch (error) {
          signal.throwIfAborted();
          failures.push(error);
          this.#tellOfFailure({ ...fieldsOf(from, offset), code: codeOf(error), error });
        }
      }
    }
    this.#told.set(digest, true);
    throw new BlobNotFoundError(digest, { cause: new AggregateError(failures) });
  }

  /**
   * Reads all of a blob into the file that it arrives in, and describes it, for one whose torrent
   * was lost or was wrong. The file is not on disk when it resolves, nor is it checked.
   *
   * @param blob.path An existing file.
   * @throws {DigestMismatchError} and {BlobSizeError} when the repository has another blob.
   * @throws as {@link read}, and what the file system says
   */
  async describe(
    blob: PromisedBlob & { readonly path: string },
    { signal }: Cancellable,
  ): Promise<Metainfo> {
    const { digest, size, path } = blob;
    const pieces = new PieceHasher(pieceLayoutOf(size).pieceLength);
    const whole = createHash(algorithmOf(digest));
    let length = 0;
    const file = await open(path, "r+");
    try {
      for await (const chunk of this.read(blob, { start: 0, signal })) {
        if (length + chunk.byteLength > size) throw new BlobSizeError(size, length + chunk.length);
        await file.write(chunk, 0, chunk.byteLength, length);
        length += chunk.byteLength;
        pieces.update(chunk);
        whole.update(chunk);
      }
    } finally {
      await file.close();
    }
    if (length !== size) throw new BlobSizeError(size, length);
    const actual = digestFromHash(whole, algorithmOf(digest));
    if (actual !== digest) throw new DigestMismatchError(digest, actual);
    return createMetainfo({ digest, size, pieceHashes: pieces.digest() });
  }

  #tellOfFailure(fields: Readonly<Record<string, unknown>> & { readonly digest: Digest }): void {
    const level = this.#told.has(fields.digest) ? "debug" : "warn";
    this.#deps.logger[level]("the origin does not give a blob", fields);
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
): Readonly<Record<string, unknown>> & { readonly digest: Digest } {
  return { digest: descriptor.digest, registry, repository, offset };
}
