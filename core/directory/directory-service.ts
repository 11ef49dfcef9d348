import { createDeadline } from "../async/deadline.ts";
import type { Digest } from "../digest.ts";
import { CodedError, UnavailableError } from "../errors.ts";
import type { HttpClient, HttpClientRequest } from "../http/http-client.ts";
import { type Metainfo, encodeMetainfo } from "../metainfo.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { DirectoryEntry } from "../ports/directory.ts";
import type { SourceReport } from "../service-status.ts";
import { parseDirectoryAnswer } from "./directory-answer.ts";

/** What {@link DirectoryService} works with. */
export interface DirectoryServiceDeps {
  /** Base URL, without a slash at its end. */
  readonly url: string;
  /** Only seeders name web seeds; only trackers are published to. */
  readonly kind: "tracker" | "seeder";
  /** Connections, shared by all services. */
  readonly client: HttpClient;
  /** Secret for publishing, where one is wanted. */
  readonly publishToken: string | undefined;
}

/** What became of a torrent that was published. */
export type PublishOutcome = "kept" | "refused";

/** Torrents that are turned down in one request: services allow no more. */
const refusedMax = 8;

/** Longest text of a problem in a status. */
const problemLengthMax = 200;

/** Milliseconds for one request; look-ups have a shorter bound of their own. */
const requestTimeoutMs = 5000;

/** A service names its run in every answer; another name means that it forgot. */
const generationHeader = "x-shoal-generation";

/** One tracker or seeder, and whether it is up. */
export class DirectoryService {
  readonly kind: "tracker" | "seeder";
  readonly url: string;
  readonly #deps: DirectoryServiceDeps;
  #up: boolean | undefined;
  #problem: string | undefined;
  #generation: string | undefined;
  #answerMs: number | undefined;

  constructor(deps: DirectoryServiceDeps) {
    this.kind = deps.kind;
    this.url = deps.url;
    this.#deps = deps;
  }

  /** Whether the last request failed: then nobody should wait for it. */
  get failing(): boolean {
    return this.#up === false;
  }

  /** How long its last answer took, in milliseconds; `undefined` before the first. */
  get answerMs(): number | undefined {
    return this.#answerMs;
  }

  /** Name of the run of the service; `undefined` before its first answer. */
  get generation(): string | undefined {
    return this.#generation;
  }

  status(): SourceReport {
    return {
      kind: this.kind,
      name: this.url,
      ...(this.#up === undefined ? {} : { up: this.#up }),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    };
  }

  /**
   * Asks for a digest; `undefined` when the service knows none.
   *
   * @throws {UnavailableError} when it does not answer.
   * @throws {MetainfoError} when it answers something else.
   */
  async lookup(
    digest: Digest,
    { refused, signal }: Cancellable & { readonly refused: ReadonlySet<string> },
  ): Promise<DirectoryEntry | undefined> {
    const query = [...refused].slice(0, refusedMax).map((infoHash) => `refused=${infoHash}`);
    const path = `/v1/metainfo/${digest}${query.length > 0 ? `?${query.join("&")}` : ""}`;
    return this.#noting(signal, async (bounded) => {
      const { status, body } = await this.#request({ method: "GET", path }, bounded);
      if (status === 404) return undefined;
      if (status !== 200) throw this.#unexpected(status);
      return parseDirectoryAnswer(body, { digest, webSeeds: this.kind === "seeder" });
    });
  }

  /**
   * Hands over metainfo.
   *
   * @throws {UnavailableError} when the service cannot take it now.
   */
  async publish(metainfo: Metainfo, { signal }: Cancellable): Promise<PublishOutcome> {
    const { publishToken } = this.#deps;
    const path = `/v1/metainfo/${metainfo.digest}`;
    const headers: Record<string, string> = publishToken
      ? { authorization: `Bearer ${publishToken}` }
      : {};
    const body = encodeMetainfo(metainfo);
    return this.#noting(signal, async (bounded) => {
      const { status } = await this.#request({ body, headers, method: "PUT", path }, bounded);
      if (status === 200 || status === 201) return "kept";
      // 507: it keeps too many other torrents of that digest, also the next time.
      if ((status >= 400 && status < 500) || status === 507) return "refused";
      throw this.#unexpected(status);
    });
  }

  /** Asks for a sign of life. @throws {UnavailableError} when there is none. */
  async check({ signal }: Cancellable): Promise<void> {
    await this.#noting(signal, async (bounded) => {
      const { status } = await this.#request({ method: "GET", path: "/healthz" }, bounded);
      if (status !== 200) throw this.#unexpected(status);
    });
  }

  /** Notes that it was waited for in vain. */
  gaveUp(): void {
    this.#up = false;
    this.#problem = "no answer in time";
  }

  async #request(
    { path, ...request }: Omit<HttpClientRequest, "url"> & { readonly path: string },
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly body: Uint8Array }> {
    const url = this.url + path;
    const { status, headers, body } = await this.#deps.client.request(
      { ...request, url },
      { signal },
    );
    const generation = headers[generationHeader];
    if (typeof generation === "string") this.#generation = generation;
    return { status, body };
  }

  /** Runs a request within its bound, and notes whether the service is up. */
  async #noting<T>(signal: AbortSignal, work: (bounded: AbortSignal) => Promise<T>): Promise<T> {
    const deadline = createDeadline(signal, requestTimeoutMs);
    const startedMs = performance.now();
    try {
      const result = await work(deadline.signal);
      this.#answerMs = performance.now() - startedMs;
      this.#up = true;
      this.#problem = undefined;
      return result;
    } catch (cause) {
      // Who was called off has found out nothing.
      signal.throwIfAborted();
      this.#up = false;
      this.#problem = cause instanceof Error ? cause.message.slice(0, problemLengthMax) : "unknown";
      if (cause instanceof CodedError) throw cause;
      throw new UnavailableError(`Cannot ask ${this.url}`, { cause });
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  #unexpected(status: number): UnavailableError {
    return new UnavailableError(`Cannot ask ${this.url}: it answers ${status}`);
  }
}
