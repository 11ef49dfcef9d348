import { InvalidArgumentError } from "../../core/errors.ts";
import { type ImageReference, parseImageReference } from "../../core/image-reference.ts";

/** An image that a registry says was pushed to it. Only its name is believed. */
export interface PushedImage {
  /** Host that the event names; `undefined` when it names none. */
  readonly registry: string | undefined;
  readonly repository: string;
  readonly tag: string;
}

/** Events of one notification: registries send them one by one, or a few together. */
export const eventsMax = 1000;

/**
 * The reference of a pushed image.
 *
 * @param registry Stands above the host that the event names, which may be an internal one.
 * @throws {InvalidArgumentError} when no registry is named, or the name is malformed.
 */
export function referenceOf(
  { registry: host, repository, tag }: PushedImage,
  registry: string | undefined,
): ImageReference {
  const named = registry ?? host;
  if (named === undefined) {
    throw new InvalidArgumentError(
      "Cannot tell the registry of an event: it names none, nor does notifications.registry",
    );
  }
  const reference = parseImageReference(`${named}/${repository}:${tag}`);
  // Else a host without a dot or port would be read as the first part of a name of Docker Hub's.
  if (isSame(reference.registry, named)) return reference;
  throw new InvalidArgumentError(`Cannot use the registry ${JSON.stringify(named.slice(0, 100))}`);
}

function isSame(registry: string, named: string): boolean {
  return registry === named || named === "index.docker.io";
}
