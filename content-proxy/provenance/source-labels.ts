import { parseImageReference } from "../../core/image-reference.ts";
import type { Labels } from "../../core/ports/blob-store.ts";
import type { Repository } from "../../core/ports/origin.ts";

/** Label that containerd gives a blob once it pulled it; the host follows. */
const sourcePrefix = "containerd.io/distribution.source.";

/** Repository of a registry whose port containerd does not note. */
export interface Source {
  /** Name or address of a registry, without its port. */
  readonly hostname: string;
  readonly repository: string;
}

/**
 * Where the labels of a blob say that it was pulled from. What is malformed is left out:
 * anybody may give a blob labels.
 *
 * @see containerd core/remotes/docker/handler.go: AppendDistributionSourceLabel
 */
export function sourcesIn(labels: Labels): Source[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    const hostname = key.startsWith(sourcePrefix) ? key.slice(sourcePrefix.length) : "";
    if (!/^[\w.:-]{1,255}$/.test(hostname)) return [];
    const repositories = value.split(",").filter(isRepository);
    return repositories.map((repository) => ({ hostname, repository }));
  });
}

/** The registries that are known of that name, else the one that the name alone says. */
export function repositoriesAt(
  { hostname, repository }: Source,
  hosts: Iterable<string>,
): Repository[] {
  const name = hostname.includes(":") ? `[${hostname}]` : hostname;
  const known = [...hosts].filter((host) => host === name || host.startsWith(`${name}:`));
  const registries = known.length > 0 ? known : [name];
  return registries.map((registry) => ({ registry, repository }));
}

/** The repository that an image is named for; `undefined` when it has some other name. */
export function repositoryOfImage(name: string): Repository | undefined {
  try {
    const { registry, repository } = parseImageReference(name);
    return { registry, repository };
  } catch {
    // Images may have any name.
    return undefined;
  }
}

function isRepository(name: string): boolean {
  return repositoryOfImage(`any.example/${name}`)?.repository === name;
}
