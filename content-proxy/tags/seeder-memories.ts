import { LRUCache } from "lru-cache";

import { abortable } from "../../core/async/deadline.ts";
import { type ImageReference, formatImageReference } from "../../core/image-reference.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { TagAnswer } from "../../core/tags/tag-answer.ts";
import type { SeederTagService } from "./seeder-tag-service.ts";

/**
 * Milliseconds that seeders have to tell what they know by themselves: they do it from memory,
 * and every pull waits for them.
 */
const recallTimeoutMs = 300;

/** Milliseconds in which what seeders recalled is told again: many pulls of a tag cost one question. */
const recalledForMs = 1000;

/** Tags whose answers are kept for that moment, some 500 bytes each. */
const tagsMax = 1000;

/** What {@link SeederMemories} works with. */
export interface SeederMemoriesDeps {
  /** By their base URLs. */
  readonly seeders: ReadonlyMap<string, Pick<SeederTagService, "recall">>;
  readonly clock: Clock;
}

/** An answer that others share. */
interface Recalled {
  readonly askedAtMs: number;
  readonly newest: Promise<TagAnswer | undefined>;
}

/** What the seeders know of tags by themselves. */
export class SeederMemories {
  readonly #deps: SeederMemoriesDeps;
  readonly #recalled = new LRUCache<string, Recalled>({ max: tagsMax });

  constructor(deps: SeederMemoriesDeps) {
    this.#deps = deps;
  }

  /** Asks all seeders. Never rejects, and is soon there. */
  async ask(reference: ImageReference, { signal }: Cancellable): Promise<readonly TagAnswer[]> {
    const options = { signal, timeoutMs: recallTimeoutMs };
    const recalling = [...this.#deps.seeders.values()].map(async (seeder) =>
      seeder.recall(reference, options),
    );
    const recalled = await Promise.allSettled(recalling);
    return recalled.flatMap((one) =>
      one.status === "fulfilled" && one.value !== undefined ? [one.value] : [],
    );
  }

  /**
   * What was pushed last, or else is known since most recently; `undefined` when no seeder knows
   * anything. Asks at most once in a second for a tag.
   */
  async newest(reference: ImageReference, { signal }: Cancellable): Promise<TagAnswer | undefined> {
    const name = formatImageReference(reference);
    const nowMs = this.#deps.clock.monotonicMs();
    let recalled = this.#recalled.get(name);
    if (!recalled || nowMs - recalled.askedAtMs >= recalledForMs) {
      // Nobody's own signal: others may wait for the same answer.
      const asking = this.ask(reference, new AbortController());
      const newest = asking.then((answers) => pushedOf(answers) ?? newestOf(answers));
      recalled = { askedAtMs: nowMs, newest };
      this.#recalled.set(name, recalled);
    }
    const answer = await abortable(recalled.newest, signal);
    return answer && { ...answer, ageMs: answer.ageMs + nowMs - recalled.askedAtMs };
  }
}

/** What was pushed last, if anything was. */
export function pushedOf(answers: readonly TagAnswer[]): TagAnswer | undefined {
  return newestOf(answers.filter(({ source }) => source === "pushed"));
}

/** The first of the youngest. */
export function newestOf(answers: readonly TagAnswer[]): TagAnswer | undefined {
  return answers.reduce<TagAnswer | undefined>(
    (newest, one) => (newest && newest.ageMs <= one.ageMs ? newest : one),
    undefined,
  );
}
