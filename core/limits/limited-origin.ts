import type { Descriptor } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import type { ImageReference } from "../image-reference.ts";
import type { BlobOptions, DescribingOrigin, OriginOptions, Repository } from "../ports/origin.ts";
import type { HostLimits } from "./host-limits.ts";
import { metered } from "./metered.ts";

/** An origin from which blobs come no faster than the limits of this host let them. */
export class LimitedOrigin implements DescribingOrigin {
  readonly #origin: DescribingOrigin;
  readonly #limits: Pick<HostLimits, "passage">;

  constructor(origin: DescribingOrigin, limits: Pick<HostLimits, "passage">) {
    this.#origin = origin;
    this.#limits = limits;
  }

  /** A manifest at most: too little to limit. */
  async resolve(reference: ImageReference, options: OriginOptions): Promise<Descriptor> {
    return this.#origin.resolve(reference, options);
  }

  blob(
    from: Repository & { readonly descriptor: Descriptor },
    options: BlobOptions,
  ): AsyncIterable<Uint8Array> {
    const { isAhead, signal } = options;
    const flow = from.descriptor.digest;
    const passage = this.#limits.passage(["origin", "download"], { flow, isAhead });
    return metered(this.#origin.blob(from, options), { passage, signal });
  }

  async describe(
    from: Repository & { readonly digest: Digest },
    options: OriginOptions,
  ): Promise<Descriptor> {
    return this.#origin.describe(from, options);
  }
}
