import { InvalidArgumentError } from "../../core/errors.ts";
import { isRegistry } from "../../core/image-reference.ts";
import { isLoopbackRegistry } from "../../core/registry-name.ts";

/** A registry that is to have a `hosts.toml` of its own. */
export interface MirroredRegistry {
  /** Host and port as image references name it, and containerd its folder. */
  readonly host: string;
  /** Where the registry itself is. */
  readonly server: string;
}

/** References name Docker Hub otherwise than its registry. */
const dockerHub = "docker.io";
const dockerHubServer = "https://registry-1.docker.io";
const dockerHubNames = [dockerHub, "index.docker.io", "registry-1.docker.io"];

/**
 * Reads a registry that a person named: `registry.example.com`, or `http://10.0.0.5:5000`
 * for one without TLS, which one on loopback has not anyway.
 *
 * @throws {InvalidArgumentError}
 */
export function parseMirroredRegistry(text: string): MirroredRegistry {
  const match = /^(?:(https?):\/\/)?([^/]+)\/?$/.exec(text);
  const host = match?.[2] ?? "";
  if (!isRegistry(host)) {
    throw new InvalidArgumentError(
      `Cannot use the registry ${JSON.stringify(text.slice(0, 300))}: ` +
        "want its host and port, or http:// with them",
    );
  }
  if (dockerHubNames.includes(host)) return { host: dockerHub, server: dockerHubServer };
  const usualScheme = isLoopbackRegistry(host) ? "http" : "https";
  return { host, server: `${match?.[1] ?? usualScheme}://${host}` };
}
