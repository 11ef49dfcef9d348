import { type Digest, parseDigest } from "./digest.ts";
import { InvalidArgumentError } from "./errors.ts";

/** What names an image in a registry. At least one of tag and digest is there. */
export interface ImageReference {
  /** Host of the registry, with its port if one was given. */
  readonly registry: string;
  /** Path of the repository, such as `library/debian`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** Longest reference: a name of 255 characters, a tag of 128, a digest of 135. */
const lengthMax = 600;

/** Longest path of a repository that registries take. */
const repositoryLengthMax = 255;

/** Longest host: a name of DNS has 253 characters, a port six. */
const registryLengthMax = 259;

const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`);
const hostPattern =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * Reads `[registry/]repository[:tag][@digest]` as Docker and containerd do: without a
 * registry it is Docker Hub's, there a repository of one word is in `library/`, and
 * without tag and digest the tag is `latest`.
 *
 * @throws {InvalidArgumentError}
 * @see OCI distribution-spec v1.1, "Pulling manifests"
 */
export function parseImageReference(text: string): ImageReference {
  if (text.length > lengthMax) throw malformed(text, "it is too long");
  const [name = "", digestText, ...more] = text.split("@");
  if (more.length > 0) throw malformed(text, "it has two digests");
  const digest = digestText === undefined ? undefined : parseDigest(digestText);
  const colon = name.lastIndexOf(":");
  const hasTag = colon > name.lastIndexOf("/");
  const tag = hasTag ? name.slice(colon + 1) : undefined;
  if (tag !== undefined && !isTag(tag)) throw malformed(text, "its tag is malformed");
  const place = placeOf(hasTag ? name.slice(0, colon) : name);
  if (!isRegistry(place.registry)) throw malformed(text, "its registry is malformed");
  if (!isRepository(place.repository)) throw malformed(text, "its repository is malformed");
  if (tag === undefined && digest === undefined) return { ...place, tag: "latest" };
  return { ...place, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** Whether `text` is the path of a repository, such as `library/debian`. */
export function isRepository(text: string): boolean {
  return text.length <= repositoryLengthMax && repositoryPattern.test(text);
}

/** Whether `text` is a well-formed tag. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Whether `text` is a host as references name it, with its port if it has one. */
export function isRegistry(text: string): boolean {
  return text.length <= registryLengthMax && hostPattern.test(text);
}

/** Renders a reference in full. */
export function formatImageReference({
  registry,
  repository,
  tag,
  digest,
}: ImageReference): string {
  const tagPart = tag === undefined ? "" : `:${tag}`;
  return `${registry}/${repository}${tagPart}${digest === undefined ? "" : `@${digest}`}`;
}

/** A first component with a dot or colon, or `localhost`, is a registry. */
function placeOf(name: string): { readonly registry: string; readonly repository: string } {
  const slash = name.indexOf("/");
  const first = slash === -1 ? "" : name.slice(0, slash);
  if (first.includes(".") || first.includes(":") || first === "localhost") {
    const repository = name.slice(slash + 1);
    if (first !== "docker.io" && first !== "index.docker.io")
      return { registry: first, repository };
    return { registry: "docker.io", repository: inLibrary(repository) };
  }
  return { registry: "docker.io", repository: inLibrary(name) };
}

function inLibrary(repository: string): string {
  return repository.includes("/") ? repository : `library/${repository}`;
}

function malformed(text: string, why: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `Cannot parse image reference ${JSON.stringify(text.slice(0, 160))}: ${why}`,
  );
}
