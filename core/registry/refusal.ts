import { createDeadline } from "../async/deadline.ts";
import type { Refusal } from "../errors.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import { type HttpResponse, readBounded } from "./http-request.ts";

/** Bytes of a refusal that are passed on: the errors of registries are a few lines. */
const bodyMax = 8 * 1024;

/** Milliseconds that they may take: a refusal is one without them, too. */
const bodyTimeoutMs = 500;

/** Reads how a registry refuses; what is too long or does not come is left out. */
export async function readRefusal(
  response: HttpResponse,
  { signal }: Cancellable,
): Promise<Refusal> {
  const { statusCode, headers } = response;
  const named = headers["content-type"];
  const mediaType = typeof named === "string" ? named : "application/json";
  const deadline = createDeadline(signal, bodyTimeoutMs);
  const stop = () => response.body.destroy();
  deadline.signal.addEventListener("abort", stop, { once: true });
  try {
    const read = { lengthMax: bodyMax, signal: deadline.signal };
    return { statusCode, mediaType, body: await readBounded(response, read) };
  } catch {
    signal.throwIfAborted();
    return { statusCode, mediaType, body: new Uint8Array() };
  } finally {
    deadline[Symbol.dispose]();
    response.body.destroy();
  }
}
