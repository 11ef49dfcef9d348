import { systemCodeOf } from "../disk/storage-error.ts";
import { UnavailableError } from "../errors.ts";

/** What keeps an address from us, by the code of the system. */
const reasons: ReadonlyMap<string, string> = new Map([
  ["EADDRINUSE", "the port is taken"],
  ["EADDRNOTAVAIL", "it is no address of this machine"],
  ["EACCES", "it is not permitted"],
  ["ENOTFOUND", "that name has no address"],
]);

/**
 * Says in our words why nobody can listen at an address, and at which: a service has several.
 * What did not come from the system is given as it is.
 *
 * @param place The address, such as `127.0.0.1:7080`.
 */
export function listenErrorFrom(cause: unknown, place: string): unknown {
  if (!(cause instanceof Error && "syscall" in cause)) return cause;
  const code = systemCodeOf(cause);
  // The reason stands in the message: causes do not leave the thread of the engine.
  return new UnavailableError(`Cannot listen on ${place}: ${reasons.get(code) ?? code}`, { cause });
}
