import { pause } from "../../core/async/pause.ts";
import { BlobSizeError, StorageFullError, UnavailableError, codeOf } from "../../core/errors.ts";
import type { HttpClient } from "../../core/http/http-client.ts";
import type { HostLimits } from "../../core/limits/host-limits.ts";
import { metered } from "../../core/limits/metered.ts";
import type { ColdAnswer, ColdSource } from "../../core/ports/cold-source.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { Origin } from "../../core/ports/origin.ts";
import { rendezvousOrder } from "../../core/rendezvous.ts";
import type { BlobGiver, SecondHandOptions } from "../second-hand.ts";

/** What {@link ResponsibleSeeder} works with. */
export interface ResponsibleSeederDeps {
  /** Base URL of this seeder, as nodes have it. */
  readonly self: string;
  /** The other seeders, by their base URLs. */
  readonly others: ReadonlyMap<string, Pick<ColdSource, "fetch">>;
  readonly client: Pick<HttpClient, "open">;
  readonly origin: Pick<Origin, "blob">;
  readonly limits: Pick<HostLimits, "passage">;
  readonly logger: Logger;
  /** Left out: {@link patienceDefault}. */
  readonly patience?: Patience;
  /** Milliseconds since whenever, that only go on. */
  readonly nowMs?: () => number;
}

/** How a seeder is asked again that does not give a blob now. */
interface Patience {
  /** Milliseconds before it is asked again, unless it says how many, and how often then. */
  readonly pauseMs: number;
  readonly pausesMax: number;
  /** Milliseconds for all questions for one blob and the pauses between them. */
  readonly totalMsMax: number;
  /** Milliseconds after which it is looked whether somebody pulls the blob meanwhile. */
  readonly lookMs: number;
}

/** A blob, and how it is read. */
interface Asked {
  readonly from: Parameters<Origin["blob"]>[0];
  readonly options: SecondHandOptions;
}

/**
 * Who says when to ask again is about to have the blob: its registry is slow, or others have their
 * turn first, an image of some gigabytes. Who does not say has a registry that is down, and so
 * have we. Who pulls is not to wait for what was fetched ahead of pulls.
 */
const patienceDefault: Patience = {
  pauseMs: 1000,
  pausesMax: 9,
  totalMsMax: 240_000,
  lookMs: 500,
};

/**
 * Has blobs that are fetched ahead of pulls from the seeder that is responsible for them, so
 * that an image costs its registry one copy, however many seeders are told to have it. What
 * somebody waits for comes from the origin at once, and so does all that the seeder cannot give.
 */
export class ResponsibleSeeder implements BlobGiver {
  readonly #deps: ResponsibleSeederDeps;

  constructor(deps: ResponsibleSeederDeps) {
    this.#deps = deps;
  }

  async *blob(from: Asked["from"], options: SecondHandOptions): AsyncGenerator<Uint8Array, void> {
    const { self, others, origin, logger } = this.#deps;
    const { digest, size } = from.descriptor;
    const [seeder = self] = rendezvousOrder(digest, [self, ...others.keys()]);
    let { start } = options;
    if (seeder !== self && mayWait(options)) {
      try {
        for await (const chunk of this.#fromSeeder(seeder, { from, options })) {
          start += chunk.byteLength;
          options.onSecondHand?.(chunk.byteLength);
          if (start > size) break;
          yield chunk;
        }
      } catch (error) {
        options.signal.throwIfAborted();
        const fields = { digest, seeder: new URL(seeder).host, code: codeOf(error) };
        logger.info("fetches from the origin what another seeder should have", fields);
      }
      // Nothing that it gave is right then: as little of that as may be gets to the disk.
      if (start > size) throw new BlobSizeError(size, start);
      if (start === size) return;
    }
    yield* origin.blob(from, { ...options, start });
  }

  /** Gives less where the seeder cannot be reached. */
  async *#fromSeeder(seeder: string, { from, options }: Asked): AsyncGenerator<Uint8Array, void> {
    const { start, isAhead, signal } = options;
    const { digest } = from.descriptor;
    const answer = await this.#ask(seeder, { from, options });
    if (answer?.state === "whole" && answer.content) yield answer.content.subarray(start);
    if (!answer || (answer.state === "whole" && answer.content)) return;
    const url = `${seeder}/v1/blobs/${digest}`;
    const request = { method: "GET", url, headers: { range: `bytes=${start}-` } } as const;
    const { status, body } = await this.#deps.client.open(request, { signal });
    const passage = this.#deps.limits.passage(["download"], { flow: digest, isAhead });
    if (status === 206) yield* metered(body, { passage, signal });
    else throw new UnavailableError(`Cannot read blob ${digest} of a seeder: it answers ${status}`);
  }

  /** @throws what the seeder was told, or that it cannot tell yet */
  async #ask(seeder: string, { from, options }: Asked): Promise<ColdAnswer | undefined> {
    const { others, patience = patienceDefault, nowMs = () => performance.now() } = this.#deps;
    const { registry, repository, descriptor } = from;
    const blob = { ...descriptor, from: [{ registry, repository }] };
    const endMs = nowMs() + patience.totalMsMax;
    for (let pauses = 0; ;) {
      try {
        return await others.get(seeder)?.fetch(blob, options);
      } catch (error) {
        options.signal.throwIfAborted();
        if (!(error instanceof UnavailableError) || isFull(error)) throw error;
        const pauseMs = Math.max(error.retryAfterMs ?? 0, patience.pauseMs);
        if (error.retryAfterMs === undefined) pauses++;
        const isEnough = pauses > patience.pausesMax || nowMs() + pauseMs > endMs;
        if (isEnough) throw error;
        await pauseWhileAhead(pauseMs, { lookMs: patience.lookMs, options });
        if (!mayWait(options)) throw error;
      }
    }
  }
}

/** Ends early when somebody pulls what is fetched ahead. */
async function pauseWhileAhead(
  pauseMs: number,
  { lookMs, options }: { readonly lookMs: number; readonly options: SecondHandOptions },
): Promise<void> {
  for (let leftMs = pauseMs; leftMs > 0 && mayWait(options); leftMs -= lookMs) {
    await pause(Math.min(leftMs, lookMs), options.signal);
  }
}

/** Another one cannot be asked in the name of a client, and somebody who pulls does not wait for it. */
function mayWait({ authorization, isAhead, isFirstHand = false }: SecondHandOptions): boolean {
  return authorization === undefined && isAhead?.() === true && !isFirstHand;
}

/** It has no room for the blob, and will not have it in a minute. */
function isFull({ cause }: UnavailableError): boolean {
  return cause instanceof StorageFullError;
}
