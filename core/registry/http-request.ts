import { Readable } from "node:stream";

import { type Dispatcher, request } from "undici";

import { UnavailableError } from "../errors.ts";
import type { Cancellable } from "../ports/cancellable.ts";

/** One request, with nothing done about its answer. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  /** Whole, or opened for each try; the headers tell the length of one that is opened. */
  readonly body?: string | Uint8Array | (() => AsyncIterable<Uint8Array>);
  /** Milliseconds until the answer begins; left out: those of the dispatcher. */
  readonly answerWithinMs?: number;
}

/** An answer whose body is still to come; whoever has it must read or destroy the body. */
export type HttpResponse = Dispatcher.ResponseData;

/** Bytes of an unwanted body that are read so that its connection can be used again. */
const discardedMax = 64 * 1024;

/** Milliseconds that an unwanted body may take to end: a new connection costs less. */
const discardTimeoutMs = 500;

/** How we name ourselves: some registries refuse who does not. */
const userAgent = "shoal";

/**
 * Sends a request. Redirects and refusals are answers like others.
 *
 * @throws {UnavailableError} when there is no answer. The message names the host only:
 *   paths and queries may hold secrets.
 */
export async function requestOnce(
  { url, method, headers, body, answerWithinMs }: HttpRequest,
  { dispatcher, signal }: Cancellable & { readonly dispatcher: Dispatcher },
): Promise<HttpResponse> {
  signal.throwIfAborted();
  try {
    const named = { ...headers, "user-agent": userAgent };
    return await request(url, {
      ...{ dispatcher, method, headers: named, signal },
      // undici closes a connection after HEAD, in case a body follows that must not. What comes
      // next would need another one, which costs three trips with TLS; Go and curl keep it, too.
      ...(method === "HEAD" && { reset: false }),
      ...(body !== undefined && { body: typeof body === "function" ? streamOf(body()) : body }),
      ...(answerWithinMs !== undefined && { headersTimeout: answerWithinMs }),
    });
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(url, error);
  }
}

function streamOf(chunks: AsyncIterable<Uint8Array>): Readable {
  return Readable.from(chunks, { objectMode: false });
}

/** Says what failed without the URL, which may carry a token in its query. */
function unreachable(url: URL, error: unknown): UnavailableError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "no answer";
  return new UnavailableError(`Cannot reach ${url.host}: ${code}`);
}

/**
 * Reads a whole body.
 *
 * @throws {UnavailableError} when it is longer than `lengthMax` bytes, or breaks off.
 */
export async function readBounded(
  response: HttpResponse,
  { lengthMax, signal }: Cancellable & { readonly lengthMax: number },
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > lengthMax) throw new UnavailableError("Cannot read the answer: it is too long");
      chunks.push(chunk);
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof UnavailableError) throw cause;
    throw new UnavailableError("Cannot read the answer: it broke off", { cause });
  }
  return Buffer.concat(chunks);
}

/** Lets go of an answer whose body nobody wants; a short one leaves the connection usable. */
export async function discardBody({ body }: HttpResponse): Promise<void> {
  const timer = setTimeout(() => body.destroy(), discardTimeoutMs);
  await body.dump({ limit: discardedMax }).catch(() => undefined);
  clearTimeout(timer);
}
