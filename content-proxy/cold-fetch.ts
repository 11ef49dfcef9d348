import { LRUCache } from "lru-cache";

import { createDeadline } from "../core/async/deadline.ts";
import type { Credential } from "../core/credential.ts";
import type { Digest } from "../core/digest.ts";
import { StorageFullError, UnavailableError, codeOf } from "../core/errors.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { ColdAnswer, ColdSource } from "../core/ports/cold-source.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { Repository } from "../core/ports/origin.ts";
import type { BlobRepositories } from "./blob-repositories.ts";
import type { Provenance } from "./provenance/provenance.ts";

/** How long it is believed that a blob cannot be had. */
const missingTtlMs = 1000;

/**
 * How long it is believed that a registry refuses the seeders, or is down: the other layers of
 * the same pull need not find that out by themselves.
 */
const refusedTtlMs = 5000;

/** How long seeders are not waited for much about a registry that is slow for them. */
const slowTtlMs = 10_000;

/** How long they are waited for then: enough for one that is up to join what it has begun. */
const slowTimeoutMs = 100;

/**
 * A question that failed after so long says that the registry is slow: a seeder tells after 1.2 s
 * that it cannot tell yet. A shorter one, as those about a slow registry are, says nothing of it.
 */
const slowAfterMs = 1000;

/** How long a blob is left to its registry whose torrent was wrong. */
const wrongTtlMs = 300_000;

/**
 * How long a seeder that answered counts as one that does: it may be busy with a crowd since, and
 * what is lost on its full link takes a second to be sent again.
 */
const responsiveMs = 30_000;

/** Refusals that are remembered: those of a few large images at once. */
const rememberedMax = 1000;

/** A blob that nobody in the swarm has. */
export interface WantedColdBlob {
  readonly digest: Digest;
  /** Left out where nobody has told it yet. */
  readonly size?: number;
  /** containerd relies on it: more places are looked for. */
  readonly promised: boolean;
  /** For the registry, of the client that asks; without it the seeder uses its own. */
  readonly authorization?: Credential | undefined;
}

/** What {@link ColdFetch} works with. */
export interface ColdFetchDeps {
  readonly source: ColdSource;
  readonly repositories: Pick<BlobRepositories, "recall" | "find">;
  readonly provenance: Pick<Provenance, "find">;
  readonly logger: Logger;
}

/**
 * Asks the seeders for blobs that nobody has, and remembers who refused what, so that a pull
 * does not wait for the same refusal once for each of its layers.
 */
export class ColdFetch {
  readonly #deps: ColdFetchDeps;
  /** By place, or by digest where that is all that matters. */
  readonly #refused = new LRUCache<string, true>({ max: rememberedMax });
  /** By place: what one registry is slow with is no reason to give up on others. */
  readonly #slow = new LRUCache<string, true>({ max: rememberedMax, ttl: slowTtlMs });
  #answeredAtMs = -Infinity;

  constructor(deps: ColdFetchDeps) {
    this.#deps = deps;
  }

  /** Whether a seeder has answered lately: who waits for it now waits for one that is busy. */
  get isResponsive(): boolean {
    return performance.now() < this.#answeredAtMs + responsiveMs;
  }

  /** What the seeders make of a blob; `undefined` when they do not get it within `withinMs`. */
  async ask(
    blob: WantedColdBlob,
    { withinMs, signal }: Cancellable & { readonly withinMs: number },
  ): Promise<ColdAnswer | undefined> {
    const { digest } = blob;
    if (this.#refused.has(digest)) return undefined;
    const deadline = createDeadline(signal, withinMs);
    const startedMs = performance.now();
    let place: string = digest;
    try {
      const from = await this.#repositoriesOf(blob, deadline);
      if (from.length > 0) place = placeOf(from, blob.authorization);
      if (this.#refused.has(place) && !blob.promised) return undefined;
      const isSlow = this.#slow.has(place) && !blob.promised;
      return await this.#fetch(blob, from, { isSlow, signal: deadline.signal });
    } catch (error) {
      signal.throwIfAborted();
      this.#remember(error, { digest, place, tookMs: performance.now() - startedMs });
      return undefined;
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  /** What a seeder gave turned out not to be the blob. */
  refuse(digest: Digest): void {
    this.#refused.set(digest, true, { ttl: wrongTtlMs });
    this.#deps.logger.warn("refused what a seeder gave", { digest });
  }

  async #repositoriesOf(
    { digest, promised }: WantedColdBlob,
    { signal }: Cancellable,
  ): Promise<readonly Repository[]> {
    const { repositories } = this.#deps;
    if (!promised) return repositories.recall(digest, { signal });
    try {
      return await repositories.find(digest, { signal });
    } catch {
      signal.throwIfAborted();
      // A seeder may be getting it for somebody who knows more.
      return [];
    }
  }

  async #fetch(
    { digest, size, authorization }: WantedColdBlob,
    from: readonly Repository[],
    { isSlow, signal }: Cancellable & { readonly isSlow: boolean },
  ): Promise<ColdAnswer | undefined> {
    const { source, provenance, logger } = this.#deps;
    const startedMs = performance.now();
    const mediaType = provenance.find(digest)?.mediaType;
    const deadline = createDeadline(signal, isSlow ? slowTimeoutMs : undefined);
    try {
      const cold = { digest, size, mediaType, from, authorization };
      const answer = await source.fetch(cold, { signal: deadline.signal });
      // None could be reached: whoever answered before is gone.
      this.#answeredAtMs = answer ? performance.now() : -Infinity;
      const durationMs = Math.round(performance.now() - startedMs);
      logger.info("asked a seeder for a blob", { digest, state: answer?.state, durationMs });
      return size === undefined || answer?.size === size ? answer : undefined;
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  #remember(
    error: unknown,
    { digest, place, tookMs }: { digest: Digest; place: string; tookMs: number },
  ): void {
    const isFull = error instanceof UnavailableError && error.cause instanceof StorageFullError;
    const code = codeOf(isFull ? error.cause : error);
    // Said of this blob alone: nothing was learnt of its registry.
    const laterMs = error instanceof UnavailableError ? error.retryAfterMs : undefined;
    this.#deps.logger.info("no seeder gets a blob", { digest, code });
    switch (code) {
      case "deadline_exceeded":
        // A seeder that is silent is none of the registry's business: the source asks another.
        break;
      case "not_found":
        // Of a blob whose repositories become known in a moment nothing was learnt.
        if (place !== digest) this.#refused.set(digest, true, { ttl: missingTtlMs });
        break;
      case "failed_precondition":
        // A manifest that tells a wrong size must not keep others from the blob.
        break;
      case "resource_exhausted":
        this.#refused.set(digest, true, { ttl: refusedTtlMs });
        break;
      default:
        if (tookMs >= slowAfterMs) this.#slow.set(place, true);
        else if (laterMs !== undefined) {
          // However long a seeder, or a proxy before it, would have us wait.
          const ttl = Math.min(Math.max(1, laterMs), refusedTtlMs);
          this.#refused.set(digest, true, { ttl });
        } else if (place !== digest) this.#refused.set(place, true, { ttl: refusedTtlMs });
    }
  }
}

/** Whoever asks with other rights may be let in. */
function placeOf(from: readonly Repository[], authorization: Credential | undefined): string {
  const names = from.map(({ registry, repository }) => `${registry}/${repository}`);
  return [...names, authorization?.fingerprint() ?? ""].join(" ");
}
