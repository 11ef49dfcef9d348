import type { IncomingMessage, ServerResponse } from "node:http";

import type { Credential } from "../../core/credential.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Repository } from "../../core/ports/origin.ts";
import type { Patience } from "./patience.ts";

/** A request to one repository that may be answered. */
export interface RouteCall extends Repository, Cancellable {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What may be used at the registry for this client; without it what is configured here. */
  readonly authorization?: Credential | undefined;
  /** How long the client is kept waiting, whatever is done for it. */
  readonly patience: Patience;
  /** Whether the client asks the registry itself for each thing that it does not get here. */
  readonly goesOn: boolean;
}

/** How a blob is told from another: its digest is all of it. */
export function etagOf(digest: string): string {
  return `"${digest}"`;
}

/** Whether the client has it already. Weak tags are as good: a digest has no other versions. */
export function isUnmodified(request: IncomingMessage, digest: string): boolean {
  const condition = request.headers["if-none-match"];
  if (condition === undefined) return false;
  return condition.split(",", 16).some((tag) => tag.trim().replace(/^W\//, "") === etagOf(digest));
}
