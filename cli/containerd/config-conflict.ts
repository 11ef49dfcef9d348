import { FailedPreconditionError } from "../../core/errors.ts";

/** What only a person can decide about. */
export function configConflict(why: string): FailedPreconditionError {
  return new FailedPreconditionError(`Cannot change containerd's configuration: ${why}`);
}
