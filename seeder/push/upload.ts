import { isRegistry, isRepository } from "../../core/image-reference.ts";
import type { Repository } from "../../core/ports/origin.ts";

/** A blob on its way in, and the repository that it is for. */
export interface Upload extends Repository {
  readonly id: string;
}

/** What refs of ingests of uploads begin with: those of fetches are digests. */
const refStart = "push";

/** The ref of an upload's ingest: all that is known of it, so that a restart finds it again. */
export function refOf({ id, registry, repository }: Upload): string {
  return `${refStart} ${id} ${registry} ${repository}`;
}

/** The upload whose ingest has that ref, if it is one. */
export function uploadOfRef(ref: string): Upload | undefined {
  const [start, id = "", registry = "", repository = "", ...more] = ref.split(" ");
  if (start !== refStart || id === "" || more.length > 0) return undefined;
  return isRegistry(registry) && isRepository(repository)
    ? { id, registry, repository }
    : undefined;
}
