import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestHttp,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { LookupFunction, Socket } from "node:net";

import { createDeadline } from "../async/deadline.ts";
import { UnavailableError } from "../errors.ts";
import type { Cancellable } from "../ports/cancellable.ts";

/** How {@link HttpClient} connects and what it takes. */
export interface HttpClientSettings {
  /** Connections to one host. */
  readonly connectionsMax: number;
  /** Longest answer in bytes, where it is read as a whole. */
  readonly answerLengthMax: number;
  /** Milliseconds in which a connection must be up; left out: as long as one may be silent. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds that a socket may be silent; left out: 10 s. */
  readonly silenceMs?: number;
  /** Gives the addresses of names; left out: the system does. */
  readonly lookup?: LookupFunction;
}

/** A small request to a service of ours, or a tracker. */
export interface HttpClientRequest {
  readonly method: "GET" | "POST" | "PUT";
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

/** An answer whose body is still to come. Whoever has it must iterate the body, or end its signal. */
export interface HttpClientStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** @throws {UnavailableError} when it breaks off. */
  readonly body: AsyncIterable<Buffer>;
}

/** Milliseconds that an idle connection is kept: longer than between two questions of most nodes. */
const keepAliveMs = 60_000;

/** Milliseconds that a socket may be silent: who calls has shorter bounds, this frees what they left. */
const silenceDefaultMs = 10_000;

/**
 * Asks for things over connections that are kept. Node's own client: undici brings
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
      timeout: settings.silenceMs ?? silenceDefaultMs,
      noDelay: true,
      ...(settings.lookup && { lookup: settings.lookup }),
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
  async request(request: HttpClientRequest, options: Cancellable): Promise<HttpClientAnswer> {
    const { status, headers, body } = await this.open(request, options);
    const { answerLengthMax } = this.#settings;
    const chunks: Buffer[] = [];
    let answerLength = 0;
    for await (const chunk of body) {
      answerLength += chunk.length;
      if (answerLength > answerLengthMax) {
        throw failureOf(new URL(request.url).host, new Error("the answer is too long"));
      }
      chunks.push(chunk);
    }
    return { status, headers, body: Buffer.concat(chunks) };
  }

  /**
   * Sends a request, and gives the answer as soon as it begins.
   *
   * @throws {UnavailableError} when there is none.
   */
  async open(request: HttpClientRequest, options: Cancellable): Promise<HttpClientStream> {
    const { signal } = options;
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
  ): Promise<HttpClientStream> {
    const target = new URL(url);
    const isTls = target.protocol === "https:";
    const options = { method, signal, agent: isTls ? this.#https : this.#http };
    const length = body ? { "content-length": body.byteLength } : {};
    return new Promise<HttpClientStream>((resolve, reject) => {
      const sending = (isTls ? requestHttps : requestHttp)(target, {
        ...options,
        headers: { ...headers, ...length },
      });
      const { host } = target;
      sending.on("error", (cause) =>
        reject(failureOf(host, cause, { isReused: sending.reusedSocket })),
      );
      sending.once("timeout", () => sending.destroy(new Error("silent for too long")));
      sending.once("socket", (socket) => this.#watchConnecting(sending, { socket, signal }));
      sending.once("response", (response) => {
        const { statusCode: status = 0 } = response;
        resolve({ status, headers: response.headers, body: bodyOf(response, { host, signal }) });
      });
      sending.end(body);
    });
  }

  #watchConnecting(
    sending: ClientRequest,
    { socket, signal }: Cancellable & { readonly socket: Socket },
  ): void {
    const { connectTimeoutMs } = this.#settings;
    if (connectTimeoutMs === undefined || !socket.connecting) return;
    const deadline = createDeadline(signal, connectTimeoutMs);
    const giveUp = () => sending.destroy(new Error("no connection in time"));
    deadline.signal.addEventListener("abort", giveUp, { once: true });
    const stop = () => deadline[Symbol.dispose]();
    socket.once("connect", stop).once("close", stop);
  }
}

/** Whoever leaves early cuts the connection. */
async function* bodyOf(
  response: IncomingMessage,
  { host, signal }: Cancellable & { readonly host: string },
): AsyncGenerator<Buffer, void> {
  try {
    yield* response as AsyncIterable<Buffer>;
  } catch (error) {
    signal.throwIfAborted();
    throw failureOf(host, error instanceof Error ? error : new Error("it broke off"));
  }
}

/** A kept connection turned out to be closed; nothing of an answer came. */
class StaleConnectionError extends UnavailableError {}

/**
 * Whether nobody listens where a request went: who did has ended. One that is only slow, or cut off,
 * does not answer at all.
 */
export function isRefused(error: unknown): boolean {
  if (!(error instanceof UnavailableError)) return false;
  const { cause } = error;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}

function failureOf(
  host: string,
  cause: Error,
  { isReused = false }: { readonly isReused?: boolean } = {},
): UnavailableError {
  const code = "code" in cause ? String(cause.code) : cause.message;
  const message = `Cannot reach ${host}: ${code}`;
  const isStale = isReused && (code === "ECONNRESET" || code === "EPIPE");
  return isStale
    ? new StaleConnectionError(message, { cause })
    : new UnavailableError(message, { cause });
}
