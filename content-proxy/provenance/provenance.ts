import { LRUCache } from "lru-cache";

import type { Digest } from "../../core/digest.ts";
import type { ImageManifest } from "../../core/image-manifest.ts";
import type { Repository } from "../../core/ports/origin.ts";

/** Blobs that are remembered: those of some hundred images, in some ten megabytes. */
const blobsMax = 20_000;

/** Repositories told of one blob: a base image's layer may be in hundreds. */
const repositoriesMax = 8;

/** Manifests that are remembered as naming one blob. */
const parentsMax = 8;

/** A layer's manifest, and the index of that; one more for an index of indexes. */
const generationsMax = 3;

/** Ancestors of one blob that are told: of the newest pulls, which are the likeliest to help. */
const ancestorsMax = 8;

/** A blob as somebody named it, who may have told no more than its digest. */
export interface NamedBlob {
  readonly digest: Digest;
  /** Length in bytes. */
  readonly size?: number | undefined;
  readonly mediaType?: string | undefined;
}

/** What is known of where a blob comes from. */
export interface KnownBlob {
  /** Where it may be had, the likeliest first; empty when only a manifest of unknown origin names it. */
  readonly repositories: readonly Repository[];
  readonly size?: number;
  readonly mediaType?: string;
}

/** What one blob was learnt to be. */
interface Memory {
  /** Newest first. */
  readonly repositories: readonly Repository[];
  /** Manifests and indexes that name it, newest first. */
  readonly parents: readonly Digest[];
  readonly size?: number | undefined;
  readonly mediaType?: string | undefined;
}

/**
 * Remembers which repositories blobs come from: a digest alone does not tell.
 *
 * What a manifest names is in the repositories of that manifest, whichever of the two becomes
 * known first. None of this is proof: a repository may not have the blob, and the size is what
 * somebody said. Kept in memory only; what is forgotten is learnt again by the next pull.
 */
export class Provenance {
  readonly #blobs = new LRUCache<Digest, Memory>({ max: blobsMax });

  /** Notes that a blob was named in a repository. The newest place is the likeliest. */
  learn(repository: Repository, blob: NamedBlob): void {
    const known = this.#blobs.get(blob.digest) ?? nothing;
    const others = known.repositories.filter((other) => !isSame(other, repository));
    const repositories = [repository, ...others].slice(0, repositoriesMax);
    this.#blobs.set(blob.digest, { ...described(known, blob), repositories });
  }

  /** Notes what a manifest or index names: it is in the same repositories. */
  learnChildren(parent: Digest, manifest: ImageManifest): void {
    if (!this.#blobs.has(parent)) this.#blobs.set(parent, nothing);
    const children =
      manifest.kind === "manifest"
        ? [manifest.config, ...manifest.layers]
        : manifest.manifests.map(({ descriptor }) => descriptor);
    for (const child of children) {
      const known = this.#blobs.get(child.digest) ?? nothing;
      const others = known.parents.filter((other) => other !== parent);
      const parents = [parent, ...others].slice(0, parentsMax);
      this.#blobs.set(child.digest, { ...described(known, child), parents });
    }
  }

  /** What is known of a blob; `undefined` when nobody named it. */
  find(digest: Digest): KnownBlob | undefined {
    const known = this.#blobs.get(digest);
    if (!known) return undefined;
    const { size, mediaType } = known;
    return {
      repositories: this.#repositoriesOf(digest),
      ...(size !== undefined && { size }),
      ...(mediaType !== undefined && { mediaType }),
    };
  }

  /** The manifests and indexes that name a blob, the nearest and newest first. */
  ancestorsOf(digest: Digest): readonly Digest[] {
    const found = new Set<Digest>();
    let generation = this.#blobs.get(digest)?.parents ?? [];
    for (let depth = 0; depth < generationsMax; depth++) {
      const fresh = generation.filter((one) => one !== digest && !found.has(one));
      for (const one of fresh) if (found.size < ancestorsMax) found.add(one);
      generation = fresh.flatMap((one) => this.#blobs.get(one)?.parents ?? []);
    }
    return [...found];
  }

  /** Its own repositories first, then those of what names it. */
  #repositoriesOf(digest: Digest): readonly Repository[] {
    const found = new Map<string, Repository>();
    for (const one of [digest, ...this.ancestorsOf(digest)]) {
      for (const repository of this.#blobs.get(one)?.repositories ?? []) {
        const name = `${repository.registry}/${repository.repository}`;
        if (!found.has(name)) found.set(name, repository);
        if (found.size === repositoriesMax) return [...found.values()];
      }
    }
    return [...found.values()];
  }
}

const nothing: Memory = { repositories: [], parents: [] };

/** What was told last stands: it is what the pull under way relies on. */
function described(known: Memory, { size, mediaType }: NamedBlob): Memory {
  return {
    ...known,
    ...(size !== undefined && { size }),
    ...(mediaType !== undefined && mediaType !== "" && { mediaType }),
  };
}

function isSame(one: Repository, other: Repository): boolean {
  return one.registry === other.registry && one.repository === other.repository;
}
