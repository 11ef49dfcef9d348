import type { Digest } from "../digest.ts";
import type { OriginOptions, Repository } from "./origin.ts";

/** What somebody wants to read of a repository. */
export type RightsSubject =
  /** @param name A tag or a digest. */
  | { readonly kind: "manifest"; readonly name: string }
  | { readonly kind: "blob"; readonly digest: Digest }
  /** The list of its tags. */
  | { readonly kind: "tags" };

/** Asks registries whether something may be read, without reading it. */
export interface OriginRights {
  /**
   * Settles when the registry would give it to who asks; with the digest, where that is a
   * manifest and the registry tells.
   *
   * @throws {ImageNotFoundError} when it says that there is no such thing.
   * @throws {AccessDeniedError} when it refuses, with how it does.
   * @throws {UnavailableError} when it cannot be reached, or answers badly.
   */
  check(
    of: Repository & { readonly subject: RightsSubject },
    options: OriginOptions,
  ): Promise<Digest | undefined>;
}
