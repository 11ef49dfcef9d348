import { createDeadline } from "../async/deadline.ts";
import type { Digest } from "../digest.ts";
import {
  AccessDeniedError,
  BlobNotFoundError,
  type CodedError,
  SourceMovedError,
  StorageFullError,
  UnavailableError,
  codeOf,
} from "../errors.ts";
import { growingInfoHash } from "../growing-torrent.ts";
import { HttpClient, type HttpClientAnswer, isRefused } from "../http/http-client.ts";
import { retryAfterMs } from "../http/retry-after.ts";
import { isRegistry, isRepository } from "../image-reference.ts";
import { pieceLayoutOf } from "../piece-layout.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { Clock } from "../ports/clock.ts";
import type { ColdAnswer, ColdBlob, ColdSource } from "../ports/cold-source.ts";
import type { Repository } from "../ports/origin.ts";
import { rendezvousOrder } from "../rendezvous.ts";
import { coldAnswerLengthMax, parseColdAnswer } from "./cold-answer.ts";
import { type PieceHashSource, readPieceHashes } from "./piece-hash-stream.ts";

/** What {@link SeederColdSource} works with. */
export interface SeederColdSourceDeps {
  /** Base URLs, without a slash at their ends; written the same on all nodes, so that all ask the same one. */
  readonly seeders: readonly string[];
  readonly clock: Clock;
  /** Whether seeders are shown the right of a client, and not only asked to use their own. */
  readonly passesCredentials: boolean;
}

/**
 * Milliseconds for a connection. In a data centre it takes one; but the link of a seeder that gives
 * to a crowd is full, and what asks for a connection is sent again only a second after it was lost.
 */
const connectTimeoutMs = 1300;

/** Milliseconds for an answer: a seeder gives one within 1.2 s. */
const answerTimeoutMs = 3000;

/** Milliseconds for all seeders together: a pull waits. */
const fetchTimeoutMs = 4000;

/** Milliseconds in which a seeder that could not be reached is not asked again. */
const failingMs = 5000;

/**
 * Milliseconds without an answer, when the time of who asks is over, after which others are asked
 * before that seeder: a little less than a node gives seeders at least.
 */
const silentMs = 400;

/** Milliseconds in which others are asked before a seeder that was silent. */
const slowMs = 5000;

/** Questions to one seeder at once: the layers of an image or two, which it answers within 1.2 s. */
const questionsMax = 64;

/** Streams of piece hashes from one seeder at once, one for each blob that arrives here. */
const streamsMax = 256;

/** Milliseconds that such a stream may be silent: so long can a piece be under way from a slow registry. */
const streamSilenceMs = 60_000;

/** Repositories that a seeder takes in one question. */
const repositoriesMax = 8;

/** Carries a client's own right to read of the registry, for one fetch. */
const authorizationHeader = "shoal-registry-authorization";

/** From which piece on hashes are read, and of which blob, by which seeder. */
interface HashesOptions extends Cancellable {
  readonly start: number;
  readonly blob: ColdBlob;
  readonly seeder: string;
}

/** Asks seeders over HTTP for blobs that nobody has. */
export class SeederColdSource implements ColdSource, Disposable {
  readonly #deps: SeederColdSourceDeps;
  readonly #client = new HttpClient({
    ...{ connectionsMax: questionsMax, answerLengthMax: coldAnswerLengthMax, connectTimeoutMs },
  });
  readonly #streams = new HttpClient({
    ...{ connectionsMax: streamsMax, answerLengthMax: 0, connectTimeoutMs },
    silenceMs: streamSilenceMs,
  });
  /** When a seeder that could not be reached is asked again, by the monotonic clock. */
  readonly #failingUntilMs = new Map<string, number>();
  /** When a seeder that was silent has its own place again. */
  readonly #slowUntilMs = new Map<string, number>();

  constructor(deps: SeederColdSourceDeps) {
    this.#deps = deps;
  }

  async fetch(blob: ColdBlob, options: Cancellable): Promise<ColdAnswer | undefined> {
    return this.#fetchFrom(this.#orderFor(blob.digest), blob, options);
  }

  /** Cuts what is under way. */
  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
    this.#streams[Symbol.dispose]();
  }

  /** @throws as {@link fetch} */
  async #fetchFrom(
    seeders: readonly string[],
    blob: ColdBlob,
    { signal }: Cancellable,
  ): Promise<ColdAnswer | undefined> {
    signal.throwIfAborted();
    const deadline = createDeadline(signal, fetchTimeoutMs);
    try {
      let problem: CodedError | undefined;
      for (const seeder of seeders) {
        const answer = await this.#ask(seeder, blob, deadline.signal);
        signal.throwIfAborted();
        if (deadline.signal.aborted) break;
        if (!answer) continue;
        if (answer.status === 200) {
          try {
            return this.#read(answer.body, { blob, seeder });
          } catch (error) {
            // What one seeder has damaged another one has, perhaps.
            if (!(error instanceof UnavailableError)) throw error;
            problem = error;
            continue;
          }
        }
        problem = problemOf(blob.digest, answer);
        // The next one has room, perhaps; it would not find more in the registry.
        if (!(problem instanceof StorageFullError)) throw problem;
      }
      if (problem) throw new UnavailableError(problem.message, { cause: problem });
      return undefined;
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  /** `undefined` when it cannot be reached, or is in no state to answer: then it is left alone for a while. */
  async #ask(
    seeder: string,
    { digest, size, mediaType, from, authorization }: ColdBlob,
    signal: AbortSignal,
  ): Promise<HttpClientAnswer | undefined> {
    const named = from
      .filter(({ registry, repository }) => isRegistry(registry) && isRepository(repository))
      .map(({ registry, repository }) => ({ registry, repository }));
    const isMeant = ({ registry }: Repository) => registry === authorization?.registry;
    // A right is for the registry of the first one.
    const repositories = [...named.filter(isMeant), ...named.filter((one) => !isMeant(one))].slice(
      0,
      repositoriesMax,
    );
    const isShown = this.#deps.passesCredentials && named.some(isMeant);
    const question = { digest, size, mediaType, from: repositories };
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (authorization && isShown) headers[authorizationHeader] = authorization.reveal();
    const deadline = createDeadline(signal, answerTimeoutMs);
    const startedMs = this.#deps.clock.monotonicMs();
    try {
      const body = Buffer.from(JSON.stringify(question));
      const request = { method: "POST", url: `${seeder}/v1/fetch`, headers, body } as const;
      const answer = await this.#client.request(request, deadline);
      if (answer.status !== 500 && answer.status !== 502 && answer.status !== 504) return answer;
    } catch (error) {
      if (signal.aborted) {
        this.#givenUp(seeder, { signal, startedMs });
        return undefined;
      }
      if (!deadline.signal.aborted && !(error instanceof UnavailableError)) throw error;
    } finally {
      deadline[Symbol.dispose]();
    }
    this.#failingUntilMs.set(seeder, this.#deps.clock.monotonicMs() + failingMs);
    return undefined;
  }

  #read(
    body: Uint8Array,
    { blob, seeder }: { readonly blob: ColdBlob; readonly seeder: string },
  ): ColdAnswer {
    const { digest } = blob;
    const answer = parseAnswer(body, { ...blob, seeder });
    if (answer.state === "whole") return answer;
    const { size } = answer;
    const layout = pieceLayoutOf(size);
    const source = {
      client: this.#streams,
      url: `${seeder}/v1/piece-hashes/${digest}?from=${registriesOf(blob)}`,
      pieceCount: layout.pieceCount,
    };
    const torrent = {
      ...{ digest, layout, infoHash: growingInfoHash({ digest, size }) },
      pieceHashes: (options: Cancellable & { readonly start: number }) =>
        this.#pieceHashes(source, { blob, seeder, ...options }),
    };
    return { ...answer, torrent };
  }

  /**
   * Where nobody listens at the seeder any more another one is asked to get the blob. One that is
   * only silent may go on: to leave it would cost the registry another copy.
   *
   * @throws {SourceMovedError} when another one does.
   * @throws {UnavailableError} when the seeder cannot go on, and there is no other.
   */
  async *#pieceHashes(
    source: PieceHashSource,
    { blob, seeder, ...options }: HashesOptions,
  ): AsyncGenerator<Uint8Array, void> {
    try {
      yield* readPieceHashes(source, options);
    } catch (error) {
      if (!isRefused(error)) throw error;
      const others = this.#orderFor(blob.digest).filter((other) => other !== seeder);
      const isElsewhere = await this.#fetchFrom(others, blob, options).then(Boolean, () => false);
      options.signal.throwIfAborted();
      throw isElsewhere ? new SourceMovedError(blob.digest, { cause: error }) : error;
    }
  }

  /** Who had too little time learnt nothing, nor did who left. */
  #givenUp(seeder: string, { signal, startedMs }: Cancellable & { startedMs: number }): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (codeOf(signal.reason) !== "deadline_exceeded" || nowMs < startedMs + silentMs) return;
    this.#slowUntilMs.set(seeder, nowMs + slowMs);
  }

  /** Those that may be asked; last those that were silent, as all of them may have been. */
  #orderFor(digest: Digest): readonly string[] {
    const nowMs = this.#deps.clock.monotonicMs();
    const isAfter = (times: ReadonlyMap<string, number>) => (seeder: string) =>
      (times.get(seeder) ?? -Infinity) > nowMs;
    const isFailing = isAfter(this.#failingUntilMs);
    const isSlow = isAfter(this.#slowUntilMs);
    const order = rendezvousOrder(digest, this.#deps.seeders).filter((one) => !isFailing(one));
    return [...order.filter((one) => !isSlow(one)), ...order.filter(isSlow)];
  }
}

/** Whose bytes are meant: when their fetch fails the seeder may begin one of another registry. */
function registriesOf({ from }: ColdBlob): string {
  const registries = new Set(from.map(({ registry }) => registry).filter(isRegistry));
  return encodeURIComponent([...registries].join(","));
}

function parseAnswer(...input: Parameters<typeof parseColdAnswer>) {
  try {
    return parseColdAnswer(...input);
  } catch (cause) {
    const { host } = new URL(input[1].seeder);
    throw new UnavailableError(`Cannot use what seeder ${host} answers`, { cause });
  }
}

/** What an answer without the blob means. */
function problemOf(digest: Digest, { status, headers }: HttpClientAnswer): CodedError {
  const what = `Cannot have blob ${digest} fetched`;
  if (status === 404) return new BlobNotFoundError(digest);
  if (status === 403) return new AccessDeniedError(`${what}: the registry refuses`);
  if (status === 507) return new StorageFullError(`${what}: the seeder has no room`);
  const wait = headers["retry-after"];
  return new UnavailableError(`${what}: the seeder answers ${status}`, {
    ...(wait !== undefined && { retryAfterMs: retryAfterMs(wait, 1) }),
  });
}
