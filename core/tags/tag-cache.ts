import { abortable, createDeadline } from "../async/deadline.ts";
import { Limiter } from "../async/limiter.ts";
import { SingleFlight } from "../async/single-flight.ts";
import { UnavailableError, codeOf } from "../errors.ts";
import { type ImageReference, formatImageReference } from "../image-reference.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { TagMemory } from "./known-tag.ts";
import type { TagAnswer } from "./tag-answer.ts";
import { type TagRule, tagBoundsOf } from "./tag-policy.ts";

/** Questions at once: so many hung ones do not hold the others up for long. */
const questionsMax = 200;

/** Milliseconds until a question is given up that nobody may answer from memory. */
const questionTimeoutMs = 10_000;

/** How {@link TagCache} works. */
export interface TagCacheDeps {
  readonly memory: TagMemory;
  readonly rules: readonly TagRule[];
  /** A registry that is silent for so long counts as down, where that makes a difference. */
  readonly outageAfterMs: number;
}

/** Asks who knows what a reference names. */
export type AskForTag = (reference: ImageReference, options: Cancellable) => Promise<TagAnswer>;

/** What others know of a reference without asking anybody, if anything. Rejects only when aborted. */
export type RecallTag = (
  reference: ImageReference,
  options: Cancellable,
) => Promise<TagAnswer | undefined>;

/** Tells what references name, from memory as far as the rules allow that. */
export class TagCache {
  readonly #deps: TagCacheDeps;
  readonly #questions = new SingleFlight<string, TagAnswer>();
  readonly #limiter = new Limiter(questionsMax);

  constructor(deps: TagCacheDeps) {
    this.#deps = deps;
  }

  /**
   * @param options.ask Asked where memory will not do; once for all who want the same at the
   *   same time and in the same name.
   * @param options.asker Tells one name from another.
   * @param options.recall Asked where memory is fresh: what was pushed elsewhere stands above it,
   *   and so does what is known since more recently.
   * @throws what `ask` throws, where memory may not stand in for it.
   */
  async resolve(
    reference: ImageReference,
    {
      ask,
      asker = "",
      recall,
      signal,
    }: Cancellable & {
      readonly ask: AskForTag;
      readonly asker?: string | undefined;
      readonly recall?: RecallTag;
    },
  ): Promise<TagAnswer> {
    const { memory, rules, outageAfterMs } = this.#deps;
    const name = formatImageReference(reference);
    const known = memory.find(name);
    if (known?.source === "pushed") return { ...known, source: "pushed" };
    const { freshForMs, staleIfErrorMs } = tagBoundsOf(reference, rules);
    if (known && known.ageMs < freshForMs) {
      // What a digest names does not change.
      const isTag = reference.digest === undefined;
      const recalled = isTag ? await recall?.(reference, { signal }) : undefined;
      if (recalled?.source === "pushed") return recalled;
      if (!recalled || recalled.ageMs >= known.ageMs) return { ...known, source: "cluster" };
      memory.keep(name, { ...recalled, source: "registry" });
      return recalled;
    }
    const mayBeStale = known !== undefined && known.ageMs < staleIfErrorMs;
    const patience = createDeadline(signal, mayBeStale ? outageAfterMs : undefined);
    try {
      const question = this.#questions.run(`${name} ${asker}`, () => this.#ask(reference, ask));
      return await abortable(question, patience.signal);
    } catch (error) {
      signal.throwIfAborted();
      if (mayBeStale && isOutage(error)) return { ...known, source: "stale" };
      throw error;
    } finally {
      patience[Symbol.dispose]();
    }
  }

  /** Nobody's own signal: others may wait for the same answer. */
  async #ask(reference: ImageReference, ask: AskForTag): Promise<TagAnswer> {
    const { memory } = this.#deps;
    const name = formatImageReference(reference);
    const deadline = createDeadline(new AbortController().signal, questionTimeoutMs);
    const { signal } = deadline;
    try {
      const answer = await this.#limiter.run(signal, () => ask(reference, { signal }));
      // What was pushed is for its seeder to remember: it alone knows when the registry has it.
      if (answer.source !== "pushed") memory.keep(name, { ...answer, source: "registry" });
      return answer;
    } catch (error) {
      if (signal.aborted) throw new UnavailableError(`Cannot resolve ${name}: no answer`);
      if (codeOf(error) === "not_found") memory.forget(name);
      throw error;
    } finally {
      deadline[Symbol.dispose]();
    }
  }
}

/** Whether nobody knows, as against that somebody says no. */
export function isOutage(error: unknown): boolean {
  const code = codeOf(error);
  return code === "unavailable" || code === "deadline_exceeded";
}
