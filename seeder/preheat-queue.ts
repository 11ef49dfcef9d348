import { pause } from "../core/async/pause.ts";
import { UnavailableError, codeOf, errorCodes } from "../core/errors.ts";
import { formatImageReference } from "../core/image-reference.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { PreheatRequest, Preheats } from "./preheats.ts";

/** What {@link PreheatQueue} works with. */
export interface PreheatQueueDeps {
  readonly preheats: Pick<Preheats, "run" | "hasPlace">;
  readonly logger: Logger;
  /** Pauses before an image is tried again, in milliseconds. */
  readonly retryPausesMs?: readonly number[];
  /** Pause before it is looked again whether there is a place, in milliseconds. */
  readonly placePauseMs?: number;
}

/** Images that wait at most: a registry that is restored pushes thousands in a row. */
const waitingMax = 10_000;

/** Images at once. Those that people ask for and wait for need places, too. */
const atOnceMax = 4;

/** A registry may tell of an image a moment before all of its own copies have it. */
const retryPausesDefaultMs = [2000, 15_000, 60_000];

/** Those that people run end at any time, and are few. */
const placePauseDefaultMs = 2000;

/** An image that waits, and how often it was tried. */
interface Waiting {
  readonly request: PreheatRequest;
  readonly attempt: number;
}

/** Preheats that nobody waits for: of what was pushed, and of what is pinned. */
export class PreheatQueue implements AsyncDisposable {
  readonly #deps: PreheatQueueDeps;
  readonly #stop = new AbortController();
  /** Those that are not begun with, by their references. */
  readonly #waiting = new Map<string, Waiting>();
  /** Those that failed and wait for their next try: they hold up no other. */
  readonly #pauses = new Set<Promise<void>>();
  readonly #workers = new Set<Promise<void>>();

  constructor(deps: PreheatQueueDeps) {
    this.#deps = deps;
  }

  /** Images that wait. */
  get count(): number {
    return this.#waiting.size + this.#pauses.size;
  }

  /**
   * Adds images; one that waits already is not added twice, one under way is fetched again,
   * for its tag may be another image now. All of them are taken, or none.
   *
   * @throws {UnavailableError} when too many wait.
   */
  add(requests: readonly PreheatRequest[]): void {
    const news = new Map<string, PreheatRequest>();
    for (const request of requests) {
      const image = formatImageReference(request.reference);
      if (!this.#waiting.has(image)) news.set(image, request);
    }
    if (this.count + news.size > waitingMax) {
      throw new UnavailableError("Cannot take the images: too many wait to be fetched");
    }
    for (const [image, request] of news) this.#waiting.set(image, { request, attempt: 0 });
    this.#startWorkers();
  }

  #startWorkers(): void {
    for (
      let idle = atOnceMax - this.#workers.size;
      idle > 0 && !this.#stop.signal.aborted;
      idle--
    ) {
      const worker = this.#work().finally(() => this.#workers.delete(worker));
      this.#workers.add(worker);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("The seeder stops", "AbortError"));
    await Promise.all([...this.#workers, ...this.#pauses]);
  }

  /** Takes one after the other, until none waits. Never rejects. */
  async #work(): Promise<void> {
    const { preheats, placePauseMs = placePauseDefaultMs } = this.#deps;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const [next] = this.#waiting;
      if (!next) return;
      // An image that finds no place was not tried: it keeps its turn, and its tries.
      if (!preheats.hasPlace) {
        await pause(placePauseMs, signal).catch(() => undefined);
        continue;
      }
      const [image, waiting] = next;
      this.#waiting.delete(image);
      await this.#preheat(image, waiting).catch(() => undefined);
    }
  }

  async #preheat(image: string, { request, attempt }: Waiting): Promise<void> {
    const { preheats, logger, retryPausesMs = retryPausesDefaultMs } = this.#deps;
    const { signal } = this.#stop;
    const failure = await preheats
      .run(request, { signal, onEvent: () => undefined })
      .then((result) => result.failure)
      .catch((error: unknown) => error);
    if (failure === undefined || signal.aborted) return;
    const retryPauseMs = retryPausesMs[attempt];
    if (retryPauseMs === undefined || !mayHeal(failure) || this.count >= waitingMax) {
      logger.warn("gave up on preheating an image", { image, code: codeOf(failure) });
      return;
    }
    const pausing = pause(retryPauseMs, signal)
      .then(() => {
        // One that was pushed again meanwhile waits already.
        if (!this.#waiting.has(image)) this.#waiting.set(image, { request, attempt: attempt + 1 });
        this.#startWorkers();
      })
      .catch(() => undefined)
      .finally(() => this.#pauses.delete(pausing));
    this.#pauses.add(pausing);
  }
}

/** What is not there may come, and so may nodes. What somebody canceled shall not. */
function mayHeal(failure: unknown): boolean {
  const code = codeOf(failure);
  if (code === "canceled") return false;
  return errorCodes[code].retryable || code === "not_found" || code === "failed_precondition";
}
