import type { Credential } from "../credential.ts";
import type { Descriptor } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import type { ImageReference } from "../image-reference.ts";
import type { Cancellable } from "./cancellable.ts";

/** A repository of an origin: where a blob may be asked for. */
export interface Repository {
  readonly registry: string;
  /** Path such as `library/debian`. */
  readonly repository: string;
}

/**
 * In whose name a registry is asked: a client's own, by the value of its `Authorization` header
 * with the scheme Basic or Bearer, or nobody's.
 */
export type Authorization = Credential | "anonymous";

/** How an origin is asked. */
export interface OriginOptions extends Cancellable {
  /** Left out: our own name, with what is configured for the registry. */
  readonly authorization?: Authorization | undefined;
}

/** How a blob of an origin is read. */
export interface BlobOptions extends OriginOptions {
  /** Offset in bytes. */
  readonly start: number;
  /** Whether nobody waits for it now, so that others go first; left out: somebody does. */
  readonly isAhead?: (() => boolean) | undefined;
}

/**
 * A place that blobs come from: a registry, or a directory in a registry's layout.
 *
 * Nothing that it gives is checked against a digest here: who stores a blob does that.
 */
export interface Origin {
  /**
   * What a reference names now: media type, digest and size of a manifest or index.
   *
   * @throws {ImageNotFoundError} when there is no such image.
   * @throws {AccessDeniedError} when the origin refuses us.
   * @throws {UnavailableError} when it cannot be reached, or answers badly.
   */
  resolve(reference: ImageReference, options: OriginOptions): Promise<Descriptor>;

  /**
   * The bytes of a blob from `start` to its end, in chunks of any length. A broken
   * connection is resumed inside; the consumer sees one stream of exactly the bytes
   * that the origin has, at most `size` of them. The media type tells manifests, which
   * an origin may keep elsewhere than other blobs.
   *
   * @throws {BlobNotFoundError} when the origin has no such blob.
   * @throws as {@link resolve}
   */
  blob(
    from: Repository & { readonly descriptor: Descriptor },
    options: BlobOptions,
  ): AsyncIterable<Uint8Array>;
}

/** An origin that tells what it has without giving it. */
export interface DescribingOrigin extends Origin {
  /**
   * What a repository has under a digest: its size, and its media type as far as the origin
   * keeps one, which it does for manifests. The size is the origin's word, not checked.
   *
   * @throws {BlobNotFoundError} when the origin has no such blob there.
   * @throws as {@link Origin.resolve}
   */
  describe(
    from: Repository & { readonly digest: Digest },
    options: OriginOptions,
  ): Promise<Descriptor>;
}
