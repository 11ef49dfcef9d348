import { Agent as HttpAgent, type IncomingHttpHeaders, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";

import { UnavailableError } from "../errors.ts";
import type { Cancellable } from "../ports/cancellable.ts";

/** How {@link HttpClient} connects and what it takes. */
export interface HttpClientSettings {
  /** Connections to one host. */
  readonly connectionsMax: number;
  /** Longest answer in bytes. */
  readonly answerLengthMax: number;
}

/** A small request to a service of ours, or a tracker. */
export interface HttpClientRequest {
  readonly method: "GET" | "PUT";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** A whole answer. */
export interface HttpClientAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Milliseconds that an idle connection is kept: longer than between two questions of most nodes. */
const keepAliveMs = 60_000;

/** Milliseconds that a socket may be silent: who calls has shorter bounds, this frees what they left. */
const silenceMs = 10_000;

/**
 * Asks for small things over connections that are kept. Node's own client: undici brings
 * 25 MiB, which a daemon on each node has better use for.
 */
export class HttpClient implements Disposable {
  readonly #settings: HttpClientSettings;
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  constructor(settings: HttpClientSettings) {
    const agent = {
      keepAlive: true,
      keepAliveMsecs: keepAliveMs,
      maxSockets: settings.connectionsMax,
      timeout: silenceMs,
      noDelay: true,
    };
    this.#settings = settings;
    this.#http = new HttpAgent(agent);
    this.#https = new HttpsAgent(agent);
  }

  /**
   * Sends a request and reads the whole answer, whatever its status. Redirects are not
   * followed.
   *
   * @throws {UnavailableError} when there is no whole answer, or it is too long. The
   *   message names the host only.
   */
  async request(request: HttpClientRequest, { signal }: Cancellable): Promise<HttpClientAnswer> {
    signal.throwIfAborted();
    try {
      return await this.#send(request, signal);
    } catch (error) {
      signal.throwIfAborted();
      // A kept connection may have been closed just when it was used: once more, on another.
      if (!(error instanceof StaleConnectionError)) throw error;
      return this.#send(request, signal);
    }
  }

  /** Cuts what is under way. */
  [Symbol.dispose](): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  async #send(
    { method, url, headers = {}, body }: HttpClientRequest,
    signal: AbortSignal,
  ): Promise<HttpClientAnswer> {
    const { answerLengthMax } = this.#settings;
    const target = new URL(url);
    const isTls = target.protocol === "https:";
    const options = { method, signal, agent: isTls ? this.#https : this.#http };
    const length = body ? { "content-length": body.byteLength } : {};
    return new Promise<HttpClientAnswer>((resolve, reject) => {
      const sending = (isTls ? requestHttps : requestHttp)(target, {
        ...options,
        headers: { ...headers, ...length },
      });
      const fail = (cause: Error) => reject(failureOf(target.host, cause, sending.reusedSocket));
      sending.on("error", fail);
      sending.once("timeout", () => sending.destroy(new Error("silent for too long")));
      sending.once("response", (response) => {
        const chunks: Buffer[] = [];
        let answerLength = 0;
        response.on("data", (chunk: Buffer) => {
          answerLength += chunk.length;
          if (answerLength <= answerLengthMax) chunks.push(chunk);
          else {
            fail(new Error("the answer is too long"));
            response.destroy();
          }
        });
        response.on("error", fail);
        response.once("end", () => {
          const { statusCode: status = 0 } = response;
          resolve({ status, headers: response.headers, body: Buffer.concat(chunks) });
        });
      });
      sending.end(body);
    });
  }
}

/** A kept connection turned out to be closed; nothing of an answer came. */
class StaleConnectionError extends UnavailableError {}

function failureOf(host: string, cause: Error, isReused: boolean): UnavailableError {
  const code = "code" in cause ? String(cause.code) : cause.message;
  const message = `Cannot reach ${host}: ${code}`;
  const isStale = isReused && (code === "ECONNRESET" || code === "EPIPE");
  return isStale
    ? new StaleConnectionError(message, { cause })
    : new UnavailableError(message, { cause });
}
