import { abortable, createDeadline } from "../../core/async/deadline.ts";
import type { Credential } from "../../core/credential.ts";
import { UnavailableError, codeOf } from "../../core/errors.ts";
import { type ImageReference, formatImageReference } from "../../core/image-reference.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Origin } from "../../core/ports/origin.ts";
import type { ResolvedTag, TagResolver } from "../../core/ports/tag-resolver.ts";
import { rendezvousOrder } from "../../core/rendezvous.ts";
import type { TagAnswer } from "../../core/tags/tag-answer.ts";
import { TagCache, isOutage } from "../../core/tags/tag-cache.ts";
import { type TagRule, tagBoundsOf } from "../../core/tags/tag-policy.ts";
import { TagTable } from "../../core/tags/tag-table.ts";
import { SeederMemories, newestOf, pushedOf } from "./seeder-memories.ts";
import type { SeederTagService } from "./seeder-tag-service.ts";

/** Milliseconds that a seeder's answer takes on its way, beside what the registry takes. */
const travelMs = 100;

/**
 * Milliseconds after which the registry is asked beside seeders that have not even told what they
 * know by themselves: they hang, and a pull has two seconds for all of it.
 */
const silentMs = 500;

/** Milliseconds that are left then for what is known otherwise. */
const remainderMs = 150;

/** What {@link ClusterTagResolver} works with. */
export interface ClusterTagResolverDeps {
  /** By their base URLs, which are written the same on all nodes. */
  readonly seeders: ReadonlyMap<
    string,
    Pick<SeederTagService, "resolve" | "recall" | "answerCount" | "leaveAlone">
  >;
  /** Registries, as this node asks them itself. */
  readonly origin: Pick<Origin, "resolve">;
  readonly clock: Clock;
  readonly rules: readonly TagRule[];
  readonly outageAfterMs: number;
}

type Asked = Cancellable & { readonly authorization?: Credential | undefined };

/**
 * Tells what tags name, as the cluster knows it: one seeder asks the registry for all nodes, and
 * a tag that was pushed through any of them is known at once. Where no seeder can be reached, and
 * for clients that come with a credential of their own, the node asks the registry itself.
 */
export class ClusterTagResolver implements TagResolver {
  readonly #deps: ClusterTagResolverDeps;
  readonly #cache: TagCache;
  readonly #memories: SeederMemories;

  constructor(deps: ClusterTagResolverDeps) {
    this.#deps = deps;
    this.#memories = new SeederMemories(deps);
    this.#cache = new TagCache({ ...deps, memory: new TagTable(deps) });
  }

  async resolve(reference: ImageReference, { authorization, signal }: Asked): Promise<ResolvedTag> {
    const { descriptor, source } = await this.#cache.resolve(reference, {
      ask: (asked, options) => this.#ask(asked, { ...options, authorization }),
      asker: authorization?.fingerprint(),
      recall: (asked, options) => this.#memories.newest(asked, options),
      signal,
    });
    return { descriptor, source };
  }

  /** Never waits much longer than a registry has: the client can ask the registry itself. */
  async #ask(reference: ImageReference, { authorization, signal }: Asked): Promise<TagAnswer> {
    const { seeders, rules, outageAfterMs } = this.#deps;
    const name = formatImageReference(reference);
    const order = rendezvousOrder(name, seeders.keys());
    const deadline = createDeadline(signal, outageAfterMs + travelMs + remainderMs);
    const recalling = this.#memories.ask(reference, deadline);
    try {
      const options = { authorization, signal: deadline.signal };
      const answer = await this.#resolve(reference, order, options);
      const recalled = await recalling;
      // A seeder whose own memory was fresh has not heard what another was told since.
      const newest = answer.source === "cluster" ? newestOf([answer, ...recalled]) : undefined;
      return pushedOf(recalled) ?? newest ?? answer;
    } catch (error) {
      signal.throwIfAborted();
      const recalled = await recalling;
      const pushed = pushedOf(recalled);
      if (pushed) return pushed;
      const problem = deadline.signal.aborted
        ? new UnavailableError(`Cannot resolve ${name}: the registry does not answer in time`)
        : error;
      const newest = newestOf(recalled);
      const { staleIfErrorMs } = tagBoundsOf(reference, rules);
      if (!newest || !isOutage(problem) || newest.ageMs >= staleIfErrorMs) throw problem;
      return { ...newest, source: "stale" };
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  /**
   * What the registry says, by the first seeder that can be reached or as we ask it ourselves. Beside a
   * seeder that hangs we ask ourselves, and the next pull leaves it alone.
   */
  async #resolve(
    reference: ImageReference,
    order: readonly string[],
    options: Asked,
  ): Promise<TagAnswer> {
    const { seeders } = this.#deps;
    const answersBefore = new Map(order.map((one) => [one, seeders.get(one)?.answerCount]));
    let current: string | undefined;
    const over = createDeadline(options.signal);
    const silence = createDeadline(options.signal, silentMs);
    try {
      const isWanted = (seeder: string) => ((current = seeder), !over.signal.aborted);
      const bySeeder = this.#bySeeder(reference, order, { ...options, isWanted });
      let answer = await abortable(bySeeder, silence.signal).catch((error: unknown) => {
        if (!silence.signal.aborted) throw error;
        options.signal.throwIfAborted();
        return undefined;
      });
      const seeder = current === undefined ? undefined : seeders.get(current);
      const isAlive = seeder?.answerCount !== answersBefore.get(current ?? "");
      if (silence.signal.aborted && isAlive) answer = await bySeeder;
      else if (silence.signal.aborted) seeder?.leaveAlone();
      const asked = { ...options, signal: over.signal };
      return answer ?? (await firstOf(bySeeder, this.#byRegistry(reference, asked)));
    } finally {
      silence[Symbol.dispose]();
      over.abort();
      over[Symbol.dispose]();
    }
  }

  /** @throws {ImageNotFoundError} when a seeder was told so; what else is wrong there is no answer. */
  async #bySeeder(
    reference: ImageReference,
    order: readonly string[],
    { isWanted, ...options }: Asked & { readonly isWanted: (seeder: string) => boolean },
  ): Promise<TagAnswer | undefined> {
    const { seeders, outageAfterMs } = this.#deps;
    const timeoutMs = outageAfterMs + travelMs;
    // The credential of a client is for the registry alone.
    for (const seeder of options.authorization ? [] : order) {
      if (!isWanted(seeder)) break;
      try {
        const answer = await seeders.get(seeder)?.resolve(reference, { ...options, timeoutMs });
        if (answer) return answer;
      } catch (error) {
        options.signal.throwIfAborted();
        if (codeOf(error) === "not_found") throw error;
        // Its way to the registry, and what it may see there, need not be ours.
        break;
      }
    }
    return undefined;
  }

  async #byRegistry(reference: ImageReference, options: Asked): Promise<TagAnswer> {
    const descriptor = await this.#deps.origin.resolve(reference, options);
    return { descriptor, source: "registry", ageMs: 0 };
  }
}

/** The first answer; without one what a seeder was told, or we ourselves. */
async function firstOf(
  bySeeder: Promise<TagAnswer | undefined>,
  byRegistry: Promise<TagAnswer>,
): Promise<TagAnswer> {
  const seeder = bySeeder.then(async (answer) => answer ?? byRegistry);
  try {
    return await Promise.any([seeder, byRegistry]);
  } catch {
    return await seeder;
  }
}
