import { createDeadline } from "../../core/async/deadline.ts";
import {
  AccessDeniedError,
  type CodedError,
  ImageNotFoundError,
  UnavailableError,
  codeOf,
} from "../../core/errors.ts";
import type { HttpClient, HttpClientAnswer } from "../../core/http/http-client.ts";
import { type ImageReference, formatImageReference } from "../../core/image-reference.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { type TagAnswer, parseTagAnswer } from "../../core/tags/tag-answer.ts";

/** Milliseconds in which a seeder that could not be reached is not asked again. */
const failingMs = 5000;

/** What {@link SeederTagService} works with. */
export interface SeederTagServiceDeps {
  /** Base URL, without a slash at its end. */
  readonly url: string;
  readonly client: Pick<HttpClient, "request">;
  readonly clock: Clock;
}

/** Asks one seeder what tags name. */
export class SeederTagService {
  readonly #deps: SeederTagServiceDeps;
  #failingUntilMs = -Infinity;
  #answerCount = 0;

  constructor(deps: SeederTagServiceDeps) {
    this.#deps = deps;
  }

  /** Answers that came, to whatever question: who gives any does not hang. */
  get answerCount(): number {
    return this.#answerCount;
  }

  /** It is not asked again for a while. */
  leaveAlone(): void {
    this.#failingUntilMs = this.#deps.clock.monotonicMs() + failingMs;
  }

  /**
   * Has the seeder ask the registry; `undefined` when the seeder cannot be reached, or does not
   * answer before `timeoutMs`.
   *
   * @throws {ImageNotFoundError} when the registry has no such image.
   * @throws {AccessDeniedError} when it refuses the seeder, or the seeder refuses to ask it.
   * @throws {UnavailableError} when the seeder cannot reach it, or talks nonsense.
   */
  async resolve(
    reference: ImageReference,
    options: Cancellable & { readonly timeoutMs: number },
  ): Promise<TagAnswer | undefined> {
    const answer = await this.#ask(reference, { ...options, resolve: true });
    if (!answer) return undefined;
    if (answer.status === 200) return parseTagAnswer(answer.body);
    throw problemOf(formatImageReference(reference), answer.status);
  }

  /** What the seeder knows by itself; `undefined` when that is nothing, or it cannot be asked. */
  async recall(
    reference: ImageReference,
    options: Cancellable & { readonly timeoutMs: number },
  ): Promise<TagAnswer | undefined> {
    const answer = await this.#ask(reference, { ...options, resolve: false });
    if (answer?.status !== 200) return undefined;
    try {
      return parseTagAnswer(answer.body);
    } catch {
      return undefined;
    }
  }

  async #ask(
    reference: ImageReference,
    {
      resolve,
      timeoutMs,
      signal,
    }: Cancellable & { readonly resolve: boolean; readonly timeoutMs: number },
  ): Promise<HttpClientAnswer | undefined> {
    const { url, client, clock } = this.#deps;
    if (this.#failingUntilMs > clock.monotonicMs()) return undefined;
    const query = new URLSearchParams({
      ref: formatImageReference(reference),
      resolve: String(resolve),
    });
    const deadline = createDeadline(signal, timeoutMs);
    try {
      const request = { method: "GET", url: `${url}/v1/tags?${query.toString()}` } as const;
      const answer = await client.request(request, deadline);
      this.#answerCount++;
      if (answer.status !== 500 && answer.status !== 502 && answer.status !== 504) return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (codeOf(error) === "internal") throw error;
      // Slow to tell what it knows is a seeder that is busy: it is not down.
      if (deadline.signal.aborted && !resolve) return undefined;
    } finally {
      deadline[Symbol.dispose]();
    }
    this.leaveAlone();
    return undefined;
  }
}

/** What an answer without a descriptor means. */
function problemOf(name: string, status: number): CodedError {
  if (status === 404) return new ImageNotFoundError(name);
  const what = `Cannot have ${name} resolved`;
  if (status === 403) return new AccessDeniedError(`${what}: the registry refuses the seeder`);
  return new UnavailableError(`${what}: the seeder answers ${status}`);
}
