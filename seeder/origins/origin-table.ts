import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { AccessDeniedError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import type {
  BlobOptions,
  DescribingOrigin,
  OriginOptions,
  Repository,
} from "../../core/ports/origin.ts";
import { canonicalRegistry, isForeignName } from "../../core/registry-name.ts";
import type { SourceReport } from "../../core/service-status.ts";
import { WatchedOrigin } from "./watched-origin.ts";

/**
 * All origins of a seeder as one: the host in a reference says which.
 *
 * Whoever reaches the seeder chooses the host. So one that is not in the table is asked by
 * name alone, never by address nor on this machine: else the seeder could be sent to
 * services that only it can reach.
 */
export class OriginTable implements DescribingOrigin {
  readonly #byHost: ReadonlyMap<string, WatchedOrigin>;
  readonly #others: DescribingOrigin | undefined;

  /** @param others Asked for hosts that are not in the table; `undefined` refuses them. */
  constructor(byHost: ReadonlyMap<string, DescribingOrigin>, others: DescribingOrigin | undefined) {
    this.#byHost = new Map(
      [...byHost].map(([host, origin]) => [
        canonicalRegistry(host),
        new WatchedOrigin(origin, host),
      ]),
    );
    this.#others = others;
  }

  /** What is known of each origin in the table. */
  report(): readonly SourceReport[] {
    return [...this.#byHost.values()].map((origin) => origin.report());
  }

  /** Whether it is in the table: nobody else chose it. */
  lists(registry: string): boolean {
    return this.#byHost.has(canonicalRegistry(registry));
  }

  async resolve(reference: ImageReference, options: OriginOptions): Promise<Descriptor> {
    return this.#of(reference.registry).resolve(reference, options);
  }

  blob(
    from: Repository & { readonly descriptor: Descriptor },
    options: BlobOptions,
  ): AsyncIterable<Uint8Array> {
    return this.#of(from.registry).blob(from, options);
  }

  async describe(
    from: Repository & { readonly digest: Digest },
    options: OriginOptions,
  ): Promise<Descriptor> {
    return this.#of(from.registry).describe(from, options);
  }

  #of(registry: string): DescribingOrigin {
    const origin = this.#byHost.get(canonicalRegistry(registry));
    if (origin) return origin;
    if (this.#others && isForeignName(registry)) return this.#others;
    throw new AccessDeniedError(
      `Cannot ask ${registry}: it is none of this seeder's origins; ` +
        "add it to origins in the seeder's configuration if it should be",
    );
  }
}
