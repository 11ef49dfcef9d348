import type { Credential } from "../../../core/credential.ts";
import type { Authorization } from "../../../core/ports/origin.ts";

/** Who asks the mirror. */
export interface Caller {
  /** Tells one from another; no secret. */
  readonly key: string;
  /** In whose name the registry is asked whether the caller may. */
  readonly authorization: Authorization;
}

/** Value of an `Authorization` header with neither name nor password, as podman sends it for nobody. */
const emptyBasic = /^basic\s+og==\s*$/i;

/** The caller that an `Authorization` header names; without one that is nobody. */
export function callerOf(authorization: Credential | undefined): Caller {
  if (authorization === undefined || emptyBasic.test(authorization.reveal())) {
    return { key: "anonymous", authorization: "anonymous" };
  }
  return { key: authorization.fingerprint(), authorization };
}
