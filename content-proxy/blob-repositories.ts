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

/** What {@link BlobRepositories} works with. */
export interface BlobRepositoriesDeps {
  readonly containerd: Pick<ContainerdClient, "namespaces" | "info" | "list" | "imageNames">;
  /** Hosts of registries, with their ports: containerd notes names alone. */
  readonly hosts: readonly string[];
}

/** Knows where blobs were pulled from: containerd's content store does not tell us, but it knows. */
export class BlobRepositories {
  readonly #containerd: BlobRepositoriesDeps["containerd"];
  readonly #hosts: readonly string[];

  constructor({ containerd, hosts }: BlobRepositoriesDeps) {
    this.#containerd = containerd;
    this.#hosts = hosts;
  }

  /**
   * The repositories that a blob was pulled from or, when containerd has not noted them yet,
   * those of the manifests that name it; empty when it came another way.
   *
   * @throws {UnavailableError} when containerd does not answer.
   */
  async find(digest: Digest, { signal }: Cancellable): Promise<readonly Repository[]> {
    const namespaces = await this.#containerd.namespaces({ signal });
    const own: Source[] = [];
    for (const namespace of namespaces) {
      const info = await this.#containerd.info(digest, { namespace, signal });
      if (info) own.push(...sourcesIn(info.labels));
    }
    const found = own.length > 0 ? own : await this.#ofParents(digest, namespaces, { signal });
    const hosts = new Set(this.#hosts);
    for (const namespace of namespaces) {
      const names = await this.#containerd.imageNames({ namespace, signal });
      for (const host of names.flatMap(hostOf)) hosts.add(host);
    }
    const repositories = found.flatMap((source) => repositoriesAt(source, hosts));
    return distinct(repositories).slice(0, repositoriesMax);
  }

  async #ofParents(
    digest: Digest,
    namespaces: readonly string[],
    { signal }: Cancellable,
  ): Promise<Source[]> {
    const found: Source[] = [];
    for (const namespace of namespaces) {
      for await (const { labels } of this.#containerd.list({ namespace, signal })) {
        if (isReferred(digest, labels)) found.push(...sourcesIn(labels));
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

interface Source {
  /** Name or address of a registry, without its port. */
  readonly hostname: string;
  readonly repository: string;
}

/** @see containerd core/remotes/docker/handler.go: AppendDistributionSourceLabel */
function sourcesIn(labels: Labels): Source[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    const hostname = key.startsWith(sourcePrefix) ? key.slice(sourcePrefix.length) : "";
    // Anybody may give a blob labels.
    if (!/^[\w.:-]{1,255}$/.test(hostname)) return [];
    const repositories = value.split(",").filter(isRepository);
    return repositories.map((repository) => ({ hostname, repository }));
  });
}

function isRepository(name: string): boolean {
  try {
    return parseImageReference(`any.example/${name}`).repository === name;
  } catch {
    return false;
  }
}

/** The registries that are known of that name, else the one that the name alone says. */
function repositoriesAt({ hostname, repository }: Source, hosts: Iterable<string>): Repository[] {
  const name = hostname.includes(":") ? `[${hostname}]` : hostname;
  const known = [...hosts].filter((host) => host === name || host.startsWith(`${name}:`));
  const registries = known.length > 0 ? known : [name];
  return registries.map((registry) => ({ registry, repository }));
}

function hostOf(image: string): string[] {
  try {
    return [parseImageReference(image).registry];
  } catch {
    // Images may have any name.
    return [];
  }
}

function distinct(repositories: readonly Repository[]): Repository[] {
  const byName = repositories.map((one) => [`${one.registry}/${one.repository}`, one] as const);
  return [...new Map(byName).values()];
}
