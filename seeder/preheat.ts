import { createDeadline } from "../core/async/deadline.ts";
import { UnavailableError, codeOf } from "../core/errors.ts";
import { formatImageReference } from "../core/image-reference.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Logger } from "../core/ports/logger.ts";
import { ImageFetch, type ImageFetchDeps, type WantedImage } from "./image-fetch.ts";
import type { KnownBlobs } from "./known-blobs.ts";
import { type NodePreheat, type NodePreheatDeps, preheatNodes } from "./nodes/preheat-nodes.ts";
import type { EndEvent, NodeCounts, PreheatEvent } from "./preheat-event.ts";
import { problemOf } from "./problem-of.ts";

/** What a preheat works with. */
export interface PreheatDeps extends ImageFetchDeps, NodePreheatDeps {
  readonly known: Pick<KnownBlobs, "add" | "hear" | "save">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long the seeder's own part may take. */
  readonly preheatTimeoutMs: number;
}

/** What to fetch, and who shall have it. */
export interface PreheatJob extends WantedImage {
  /** Nodes that get it when the seeder has it; `undefined`: it is for seeders alone. */
  readonly nodes?: NodePreheat | undefined;
}

/** Told of how it starts, of each blob and node, and once of the end; never called after that. */
export type OnPreheatEvent = (event: PreheatEvent) => void;

/** How a preheat ended. */
export interface PreheatResult {
  readonly end: EndEvent;
  /** The first thing that went wrong; `undefined` when nothing did. */
  readonly failure: unknown;
}

type PreheatOptions = PreheatDeps & Cancellable & { readonly onEvent: OnPreheatEvent };

/**
 * Fetches an image from its origin, and then has nodes fetch it from the swarm. Never
 * rejects: the last event tells how it ended.
 */
export async function preheat(job: PreheatJob, options: PreheatOptions): Promise<PreheatResult> {
  const { clock, known, logger, onEvent } = options;
  const image = formatImageReference(job.reference);
  const startedMs = clock.monotonicMs();
  const fetch = new ImageFetch(job, options);
  let failure: unknown;
  let nodes: NodeCounts | undefined;
  try {
    const top = await fetchHere(fetch, options);
    [failure] = fetch.failures;
    if (failure === undefined && job.nodes) {
      const { reference, platforms } = job;
      const task = { image: reference, top, platforms };
      nodes = await preheatNodes({ ...job.nodes, task }, options);
      options.signal.throwIfAborted();
      failure = failureOf(nodes);
    }
  } catch (error) {
    failure = fetch.failures[0] ?? error;
  } finally {
    fetch[Symbol.dispose]();
  }
  await known.save();
  const { blobs, bytes } = fetch;
  const durationMs = Math.round(clock.monotonicMs() - startedMs);
  const ok = failure === undefined;
  const counts = { bytes, blobs, ...(nodes && { nodes }), durationMs };
  const end: EndEvent = {
    ...{ event: "end", ok, ...counts },
    ...(!ok && { error: problemOf(failure) }),
  };
  if (ok) logger.info("preheated an image", { image, ...counts });
  else {
    const code = codeOf(failure);
    const problem = code === "internal" ? failure : problemOf(failure);
    logger.warn("cannot preheat an image", { image, ...counts, code, problem });
  }
  onEvent(end);
  return { end, failure };
}

/** The seeder's own part has its own time: many nodes may take longer than any image. */
async function fetchHere(fetch: ImageFetch, { preheatTimeoutMs, signal }: PreheatOptions) {
  const deadline = createDeadline(signal, preheatTimeoutMs);
  try {
    return await fetch.run(deadline);
  } finally {
    deadline[Symbol.dispose]();
  }
}

function failureOf({ count, done }: NodeCounts): unknown {
  if (done === count) return undefined;
  return new UnavailableError(`Cannot preheat ${count - done} of ${count} nodes`);
}
