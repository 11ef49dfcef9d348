import type { Digest } from "../core/digest.ts";
import { parseImageReference } from "../core/image-reference.ts";
import type { Labels } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Repository } from "../core/ports/origin.ts";
import type { ContainerdClient } from "./rpc/containerd/containerd-client.ts";

/** Label that containerd gives a blob once it pulled it; the host follows. */
const sourcePrefix = "containerd.io/distribution.source.";

/** Label with which a manifest names a blob, so that it is not garbage; what it is follows. */
const referencePrefix = "containerd.io/gc.ref.content";

/** Repositories of one blob that are told: a base image's layer may be in hundreds. */
const repositoriesMax = 8;

/** Knows where blobs were pulled from: containerd's content store does not tell us, but it knows. */
export class BlobRepositories {
  readonly #containerd: Pick<ContainerdClient, "namespaces" | "info" | "list">;

  constructor(containerd: Pick<ContainerdClient, "namespaces" | "info" | "list">) {
    this.#containerd = containerd;
  }

  /**
   * The repositories that a blob was pulled from or, when containerd has not noted them yet,
   * those of the manifests that name it; empty when it came another way.
   *
   * @throws {UnavailableError} when containerd does not answer.
   */
  async find(digest: Digest, { signal }: Cancellable): Promise<readonly Repository[]> {
    const namespaces = await this.#containerd.namespaces({ signal });
    const own: Repository[] = [];
    for (const namespace of namespaces) {
      const info = await this.#containerd.info(digest, { namespace, signal });
      if (info) own.push(...repositoriesIn(info.labels));
    }
    const found = own.length > 0 ? own : await this.#ofParents(digest, namespaces, { signal });
    return distinct(found).slice(0, repositoriesMax);
  }

  async #ofParents(
    digest: Digest,
    namespaces: readonly string[],
    { signal }: Cancellable,
  ): Promise<Repository[]> {
    const found: Repository[] = [];
    for (const namespace of namespaces) {
      for await (const { labels } of this.#containerd.list({ namespace, signal })) {
        if (isReferred(digest, labels)) found.push(...repositoriesIn(labels));
      }
    }
    return found;
  }
}

function isReferred(digest: Digest, labels: Labels): boolean {
  return Object.entries(labels).some(
    ([key, value]) => key.startsWith(referencePrefix) && value === digest,
  );
}

/** @see containerd core/remotes/docker/handler.go: AppendDistributionSourceLabel */
function repositoriesIn(labels: Labels): Repository[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    if (!key.startsWith(sourcePrefix)) return [];
    const host = key.slice(sourcePrefix.length);
    return value.split(",").flatMap((repository) => repositoryOf(host, repository));
  });
}

function repositoryOf(host: string, name: string): Repository[] {
  try {
    const { registry, repository } = parseImageReference(`${host}/${name}`);
    return [{ registry, repository }];
  } catch {
    // Anybody may give a blob labels.
    return [];
  }
}

function distinct(repositories: readonly Repository[]): Repository[] {
  const byName = repositories.map((one) => [`${one.registry}/${one.repository}`, one] as const);
  return [...new Map(byName).values()];
}
