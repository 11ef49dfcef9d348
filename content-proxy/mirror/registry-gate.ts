import { ApiError } from "../../core/oci-api/api-error.ts";
import { canonicalRegistry, isForeignName } from "../../core/registry-name.ts";

/**
 * Which registries clients of the mirror may have asked: those that are configured, and others
 * by name alone. Any process of this machine can name one, and a container in the host's
 * network is such a process.
 */
export class RegistryGate {
  readonly #known: ReadonlySet<string>;

  /** @param known Hosts as references name them. */
  constructor(known: Iterable<string>) {
    this.#known = new Set([...known].map(canonicalRegistry));
  }

  /**
   * @throws {ApiError} NAME_UNKNOWN when it may not be asked: to the client it is one more
   *   registry that is not here.
   */
  check(registry: string): void {
    if (this.knows(registry) || isForeignName(registry)) return;
    throw new ApiError("NAME_UNKNOWN", "Cannot ask that registry: it is no name, nor configured");
  }

  /** Whether it is configured. */
  knows(registry: string): boolean {
    return this.#known.has(registry);
  }
}
