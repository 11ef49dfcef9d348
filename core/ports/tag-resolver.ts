import type { Descriptor } from "../descriptor.ts";
import type { ImageReference } from "../image-reference.ts";
import type { Credential } from "../credential.ts";
import type { Cancellable } from "./cancellable.ts";

/** What a tag names. */
export interface ResolvedTag {
  readonly descriptor: Descriptor;
  /**
   * Who said so: the registry just now; the cluster, which asked it not long ago; a push through
   * a seeder; or the cluster because the registry does not answer.
   */
  readonly source: "registry" | "cluster" | "pushed" | "stale";
}

/** Tells what a tag, or a digest in a repository, names. */
export interface TagResolver {
  /**
   * @param options `authorization`: value of an `Authorization` header for the registry, of the
   *   client that asks; without it what is configured for the registry.
   * @throws {ImageNotFoundError} when the registry has no such image.
   * @throws {AccessDeniedError} when it refuses.
   * @throws {UnavailableError} when it cannot be reached, and nothing may be told without it.
   */
  resolve(
    reference: ImageReference,
    options: Cancellable & { readonly authorization?: Credential | undefined },
  ): Promise<ResolvedTag>;
}
