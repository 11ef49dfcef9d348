import { UnavailableError } from "../../core/errors.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import { connectionFailure } from "../connection-failure.ts";

/** The mirror answers this from memory. */
const timeoutMs = 3000;

/**
 * Asks a registry mirror whether it is one.
 *
 * @throws {UnavailableError} when nobody answers as a registry does.
 */
export async function probeMirror(url: string, { signal }: Cancellable): Promise<void> {
  const response = await fetch(`${url}/v2/`, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  }).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw connectionFailure(url, cause);
  });
  await response.body?.cancel();
  // It may want to know who comes.
  if (response.ok || response.status === 401) return;
  throw new UnavailableError(`it answers ${response.status}, and is no registry`);
}
