import { type ImageReference, formatImageReference } from "../../core/image-reference.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Origin } from "../../core/ports/origin.ts";
import type { TagAnswer } from "../../core/tags/tag-answer.ts";
import { TagCache } from "../../core/tags/tag-cache.ts";
import type { TagRule } from "../../core/tags/tag-policy.ts";
import type { TagBook } from "./tag-book.ts";

/** What {@link SeederTags} works with. */
export interface SeederTagsDeps {
  readonly book: Pick<TagBook, "find" | "keep" | "forget">;
  readonly origin: Pick<Origin, "resolve">;
  readonly rules: readonly TagRule[];
  readonly outageAfterMs: number;
}

/** Tells nodes what tags name: in the origins' words as far as they answer. */
export class SeederTags {
  readonly #deps: SeederTagsDeps;
  readonly #cache: TagCache;

  constructor(deps: SeederTagsDeps) {
    this.#deps = deps;
    this.#cache = new TagCache({ ...deps, memory: deps.book });
  }

  /**
   * Asks the origin, where the rules do not let it be told from memory.
   *
   * @throws as {@link Origin.resolve}
   */
  async resolve(reference: ImageReference, { signal }: Cancellable): Promise<TagAnswer> {
    const ask = async (asked: ImageReference, options: Cancellable): Promise<TagAnswer> => {
      const descriptor = await this.#deps.origin.resolve(asked, options);
      return { descriptor, source: "registry", ageMs: 0 };
    };
    return this.#cache.resolve(reference, { ask, signal });
  }

  /** What is known of it here, however old; `undefined` when that is nothing. */
  recall(reference: ImageReference): TagAnswer | undefined {
    const known = this.#deps.book.find(formatImageReference(reference));
    if (known === undefined || known.ageMs === Infinity) return undefined;
    return { ...known, source: known.source === "pushed" ? "pushed" : "cluster" };
  }
}
