import { createDeadline } from "../../core/async/deadline.ts";
import { UnavailableError } from "../../core/errors.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Arrival } from "../arrival.ts";

/**
 * How long a client is kept without an answer while bytes do come. A kubelet gives a pull up
 * that shows nothing for five minutes, and does not ask the registry then.
 */
const waitMaxMs = 120_000;

/**
 * Waits for something of an arriving blob as long as bytes of it come.
 *
 * @throws {UnavailableError} when none came for `windowMs`, or it takes too long altogether.
 */
export async function whileBytesCome<T>(
  arrival: Pick<Arrival, "digest" | "bytesDone">,
  work: (options: Cancellable) => Promise<T>,
  { windowMs, signal }: Cancellable & { readonly windowMs: number },
): Promise<T> {
  let bytesBefore = -1;
  for (let waitedMs = 0; waitedMs < waitMaxMs && arrival.bytesDone > bytesBefore;) {
    bytesBefore = arrival.bytesDone;
    const deadline = createDeadline(signal, windowMs);
    try {
      return await work(deadline);
    } catch (error) {
      signal.throwIfAborted();
      if (!deadline.signal.aborted) throw error;
    } finally {
      deadline[Symbol.dispose]();
    }
    waitedMs += windowMs;
  }
  throw new UnavailableError(`Cannot get blob ${arrival.digest}: its bytes do not come`);
}
