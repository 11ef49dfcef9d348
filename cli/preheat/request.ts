import { InvalidArgumentError, UnavailableError } from "../../core/errors.ts";
import { lines } from "../../core/http/lines.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import { addressAdvice, connectionFailure } from "../connection-failure.ts";
import { refusalOf } from "../read-body.ts";

/** What a seeder is asked for. */
export interface PreheatRequest {
  readonly image: string;
  /** `os/architecture` of each; those of the nodes, or of the seeder itself, when left out. */
  readonly platforms?: readonly string[] | "all";
  /** Who gets it; seeders alone when left out. */
  readonly scope?: "seeders" | "nodes";
  /** Which nodes; all when left out. */
  readonly nodes?: {
    readonly labels: Readonly<Record<string, string>>;
    readonly percent: number;
  };
}

/**
 * Has a seeder fetch an image, and gives the lines that it writes about it. Ending the
 * iteration tells the seeder that nobody wants it any more.
 *
 * @throws {UnavailableError} when it cannot be reached or hangs up.
 * @throws {InvalidArgumentError} when it does not understand the reference.
 */
export async function* requestPreheat(
  seeder: string,
  request: PreheatRequest,
  { signal }: Cancellable,
): AsyncGenerator<string, void> {
  const response = await fetch(`${seeder}/v1/preheat`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
    signal,
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw connectionFailure(seeder, error, { advice: addressAdvice });
  });
  if (!response.ok) {
    const message = `Cannot preheat ${request.image}: ${await refusalOf(response)}`;
    throw response.status === 400
      ? new InvalidArgumentError(message)
      : new UnavailableError(message);
  }
  try {
    yield* lines((response.body ?? []) as AsyncIterable<Uint8Array>);
  } catch (error) {
    signal.throwIfAborted();
    throw connectionFailure(seeder, error);
  }
}
