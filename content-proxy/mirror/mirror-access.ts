import type { Credential } from "../../core/credential.ts";
import type { Digest } from "../../core/digest.ts";
import type { Refusal } from "../../core/errors.ts";
import type { ApiErrorCode } from "../../core/oci-api/api-error.ts";
import type { ApiPath } from "../../core/oci-api/api-path.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";

/** What a client of the mirror wants to see. */
export interface AccessRequest {
  readonly kind: ApiPath["kind"];
  /** The registry that is meant, as image references name it. */
  readonly registry: string;
  /** Left out where a client asks at `/v2/` what the registry wants of it. */
  readonly repository?: string;
  readonly tag?: string;
  readonly digest?: Digest;
  /** Value of the `Authorization` header that the client sent. */
  readonly authorization?: Credential | undefined;
}

/** The client may see it. */
export interface Allowed {
  readonly isAllowed: true;
  /** What may be used at the registry for this client; without it what is configured here. */
  readonly authorization?: Credential | undefined;
}

/** The client may not: the answer that it gets instead. */
export interface Refused {
  readonly isAllowed: false;
  readonly code: ApiErrorCode;
  readonly message: string;
  /** Status instead of the one of the code. */
  readonly status?: number;
  /** Such as `www-authenticate`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How the registry itself refused, which is told in place of code and message. */
  readonly refusal?: Refusal | undefined;
}

/** Decides who may see what of the mirror. */
export interface MirrorAccess {
  /** Asked before each answer, and before anything is fetched for it. */
  authorize(request: AccessRequest, options: Cancellable): Promise<Allowed | Refused>;
}

/** Lets everybody on this machine see everything that the node can have. */
export const allowAll: MirrorAccess = {
  authorize: () => Promise.resolve({ isAllowed: true }),
};
