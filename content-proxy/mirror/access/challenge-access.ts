import { LRUCache } from "lru-cache";

import { createDeadline } from "../../../core/async/deadline.ts";
import { AccessDeniedError, type Refusal, codeOf } from "../../../core/errors.ts";
import type { Cancellable } from "../../../core/ports/cancellable.ts";
import type { Clock } from "../../../core/ports/clock.ts";
import type { Logger } from "../../../core/ports/logger.ts";
import type { OriginRights, RightsSubject } from "../../../core/ports/origin-rights.ts";
import { isOutage } from "../../../core/tags/tag-cache.ts";
import type { AccessRequest, Allowed, MirrorAccess, Refused } from "../mirror-access.ts";
import { type Caller, callerOf } from "./caller.ts";
import { type GrantKey, Grants } from "./grants.ts";
import type { ImageMembers } from "./image-members.ts";

/** Repositories that are remembered as closed to anybody. */
const closedMax = 2000;

/** How long a registry that did not answer is not waited for again by those who need not. */
const downTtlMs = 5000;

/** Registries that are down at once. */
const downMax = 100;

/** What {@link ChallengeAccess} works with. */
export interface ChallengeAccessDeps {
  readonly rights: OriginRights;
  readonly members: Pick<ImageMembers, "has">;
  /** Whether the operator named the registry: what others say of their repositories proves nothing. */
  readonly isTrusted: (registry: string) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** So long a right holds without another question to the registry. */
  readonly accessForMs: number;
  /** So much longer it holds while the registry does not answer. */
  readonly accessGraceMs: number;
  /** A registry that is silent for so long counts as down, where that makes a difference. */
  readonly outageAfterMs: number;
}

/** A request about one repository. */
interface RepositoryRequest extends AccessRequest {
  readonly repository: string;
}

/**
 * Lets a client have what its credential may have at the registry, and asks for one where nobody
 * may have it: the pull secret then comes with the next request.
 *
 * A right is to one repository. So a digest must be shown to belong to it, too: by the registry, or
 * by a manifest of it; else whoever may read any repository had all blobs of this node.
 */
export class ChallengeAccess implements MirrorAccess {
  readonly #deps: ChallengeAccessDeps;
  readonly #grants: Grants;
  readonly #closed: LRUCache<string, true>;
  readonly #down = new LRUCache<string, true>({ max: downMax, ttl: downTtlMs });

  constructor(deps: ChallengeAccessDeps) {
    this.#deps = deps;
    this.#grants = new Grants(deps);
    this.#closed = new LRUCache({ max: closedMax, ttl: Math.max(1, deps.accessForMs) });
  }

  async authorize(request: AccessRequest, { signal }: Cancellable): Promise<Allowed | Refused> {
    const { registry, repository, authorization } = request;
    if (!this.#deps.isTrusted(registry)) return unknownRegistry;
    // Clients look here for how to log in, and nothing is told here.
    if (repository === undefined) return authorization ? allowed : challengeOf(registry);
    const caller = callerOf(authorization);
    const about = { ...request, repository };
    const ageMs = await this.#ageOf(about, caller, { signal });
    const { accessForMs, accessGraceMs } = this.#deps;
    if (ageMs < accessForMs) return allowedFor(caller);
    const hasGrace = ageMs < accessForMs + accessGraceMs;
    return this.#ask(about, caller, { hasGrace, signal });
  }

  /** Milliseconds since the registry said what this follows from; Infinity when it did not. */
  async #ageOf(request: RepositoryRequest, caller: Caller, options: Cancellable): Promise<number> {
    const { digest } = request;
    const grant = this.#grants.find(keyOf(request, caller));
    if (!grant) return Infinity;
    if (digest === undefined || grant.has(digest)) return grant.ageMs;
    const isMember = await this.#deps.members.has(digest, grant.manifests(), options);
    return isMember ? grant.ageMs : Infinity;
  }

  async #ask(
    request: RepositoryRequest,
    caller: Caller,
    { hasGrace, signal }: Cancellable & { readonly hasGrace: boolean },
  ): Promise<Allowed | Refused> {
    const { registry, repository } = request;
    const isNobody = caller.authorization === "anonymous";
    const closedKey = `${registry}/${repository}`;
    if (isNobody && this.#closed.has(closedKey)) return challengeOf(registry);
    // A right that was good a moment ago holds a little longer; nobody gets a new one.
    if (hasGrace && this.#down.has(registry)) return allowedFor(caller);
    const patience = createDeadline(signal, hasGrace ? this.#deps.outageAfterMs : undefined);
    try {
      await this.#check(request, caller, patience);
      return allowedFor(caller);
    } catch (error) {
      if (isOutage(error)) return hasGrace ? this.#inGrace(request, caller) : unasked(registry);
      signal.throwIfAborted();
      if (codeOf(error) === "not_found") return absent(request);
      if (!(error instanceof AccessDeniedError)) throw error;
      this.#grants.drop(keyOf(request, caller));
      if (!isNobody) return refusedBy(registry, error.refusal);
      this.#closed.set(closedKey, true);
      return challengeOf(registry);
    } finally {
      patience[Symbol.dispose]();
    }
  }

  /** Asks the registry, and notes what it says if that is yes. */
  async #check(request: RepositoryRequest, caller: Caller, { signal }: Cancellable): Promise<void> {
    const { registry, repository } = request;
    const { authorization } = caller;
    const subject = subjectOf(request);
    const place = { registry, repository, subject };
    const told = await this.#deps.rights.check(place, { authorization, signal });
    const digest = request.digest ?? told;
    const isManifest = subject.kind === "manifest";
    const granted = digest === undefined ? undefined : { digest, isManifest };
    this.#grants.add(keyOf(request, caller), granted);
  }

  #inGrace({ registry, repository }: RepositoryRequest, caller: Caller): Allowed {
    this.#down.set(registry, true);
    this.#deps.logger.warn("a right holds while its registry is down", { registry, repository });
    return allowedFor(caller);
  }
}

const allowed: Allowed = { isAllowed: true };

const unknownRegistry: Refused = {
  isAllowed: false,
  code: "NAME_UNKNOWN",
  message: "Cannot tell who may read there: that registry is not configured",
};

/** Nobody in particular may have no more than we, so our own name serves there. */
function allowedFor({ authorization }: Caller): Allowed {
  return authorization === "anonymous" ? allowed : { isAllowed: true, authorization };
}

/** @see RFC 7617; containerd answers it with the pull secret, podman and docker with a login */
function challengeOf(registry: string): Refused {
  return {
    isAllowed: false,
    code: "UNAUTHORIZED",
    message: `Cannot give that to anybody: ${registry} wants a login`,
    headers: { "www-authenticate": `Basic realm="${registry}"` },
  };
}

/** Without a challenge: the same credential would come again, and again be refused. */
function refusedBy(registry: string, refusal: Refusal | undefined): Refused {
  return {
    isAllowed: false,
    code: refusal?.statusCode === 401 ? "UNAUTHORIZED" : "DENIED",
    message: `Cannot give you that: ${registry} refuses you`,
    refusal,
  };
}

function unasked(registry: string): Refused {
  const message = `Cannot ask ${registry} whether you may have that`;
  return { isAllowed: false, code: "UNAVAILABLE", message };
}

function absent({ kind }: AccessRequest): Refused {
  const code = kind === "blob" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN";
  return { isAllowed: false, code, message: "Cannot find that in the repository" };
}

function subjectOf({ kind, tag, digest }: RepositoryRequest): RightsSubject {
  if (kind === "blob" && digest !== undefined) return { kind, digest };
  const name = digest ?? tag;
  return name === undefined ? { kind: "tags" } : { kind: "manifest", name };
}

function keyOf({ registry, repository }: RepositoryRequest, { key }: Caller): GrantKey {
  return { registry, repository, caller: key };
}
