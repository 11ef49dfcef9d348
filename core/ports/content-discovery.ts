import type { Digest } from "../digest.ts";
import type { OriginOptions, Repository } from "./origin.ts";

/** A part of a repository's tags, in the registry's order. */
export interface TagPage {
  readonly tags: readonly string[];
  /** Where the next part begins; `undefined` after the last one. */
  readonly next: TagCursor | undefined;
}

/** Which tags are asked for. */
export interface TagCursor {
  /** How many at most; left out: as many as the registry likes. */
  readonly count?: number | undefined;
  /** Those after this one. */
  readonly last?: string | undefined;
}

/** Asks registries what there is beside blobs. @see OCI distribution-spec v1.1, "Content Discovery" */
export interface ContentDiscovery {
  /**
   * @throws {ImageNotFoundError} when the registry has no such repository.
   * @throws {AccessDeniedError} when it refuses us.
   * @throws {UnavailableError} when it cannot be reached, or answers badly.
   */
  tags(repository: Repository & TagCursor, options: OriginOptions): Promise<TagPage>;

  /**
   * The index of manifests that refer to one, as JSON; an empty one when there are none. Of
   * registries without an answer to that, what is in the tag that stands in for it.
   *
   * @param of.artifactType Those of this type alone, for registries that can tell.
   * @throws as {@link tags}
   */
  referrers(
    of: Repository & { readonly digest: Digest; readonly artifactType?: string | undefined },
    options: OriginOptions,
  ): Promise<ReferrersAnswer>;
}

/** Manifests that refer to one. */
export interface ReferrersAnswer {
  /** An OCI image index. */
  readonly index: Uint8Array;
  /** Whether the registry left out other artifact types. */
  readonly isFiltered: boolean;
}
