import type { IncomingMessage, ServerResponse } from "node:http";

import type { Limiter } from "../../core/async/limiter.ts";
import { Credential } from "../../core/credential.ts";
import { codeOf } from "../../core/errors.ts";
import { type HttpAnswer, jsonAnswer, sendAnswer } from "../../core/http/http-answer.ts";
import {
  type ApiSubject,
  apiAnswerOfError,
  apiErrorAnswer,
  apiVersionHeader,
} from "../../core/oci-api/api-answer.ts";
import { ApiError } from "../../core/oci-api/api-error.ts";
import type { ApiPath } from "../../core/oci-api/api-path.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Logger } from "../../core/ports/logger.ts";
import { type BlobRouteDeps, blobRoute } from "./blob-route.ts";
import { type DiscoveryRouteDeps, referrersRoute, tagsRoute } from "./discovery-routes.ts";
import { type ManifestRouteDeps, manifestRoute } from "./manifest-route.ts";
import type { Allowed, MirrorAccess, Refused } from "./mirror-access.ts";
import { type MirrorRequest, parseMirrorRequest } from "./mirror-request.ts";
import { Patience } from "./patience.ts";
import type { RegistryGate } from "./registry-gate.ts";
import type { RouteCall } from "./route-call.ts";
import { boundStall } from "./send-body.ts";
import { waitSent } from "./wait-sent.ts";

/**
 * Milliseconds that a client has to take an answer that is held in memory as a whole: most fit into
 * what the system keeps of a connection, and others wait for its place.
 */
const smallSentMs = 10_000;

/** What {@link mirrorHandler} works with. */
export interface MirrorHandlerDeps extends BlobRouteDeps, ManifestRouteDeps, DiscoveryRouteDeps {
  readonly access: MirrorAccess;
  readonly gate: RegistryGate;
  readonly logger: Logger;
  /** Bounds what is held in memory for answers that are made as a whole. */
  readonly small: Limiter;
  readonly defaultRegistry: string;
  /** How long all but blobs may take: a client that waits could have asked the registry. */
  readonly answerTimeoutMs: number;
}

/** Answers the requests that come to one port of the mirror. */
export function mirrorHandler(
  deps: MirrorHandlerDeps,
  { registryOfPort }: { readonly registryOfPort: string | undefined },
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    // What comes after a head that was answered is not read into memory.
    request.resume();
    void answerRequest({ request, response }, { deps, registryOfPort });
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

interface Port {
  readonly deps: MirrorHandlerDeps;
  readonly registryOfPort: string | undefined;
}

/** The boundary: nothing is thrown beyond it. */
async function answerRequest(exchange: Exchange, port: Port): Promise<void> {
  const { request, response } = exchange;
  const { logger, defaultRegistry } = port.deps;
  // Who hangs up wants nothing any more.
  const gone = new AbortController();
  response.once("close", () => gone.abort(new DOMException("The client left", "AbortError")));
  const startedAtMs = performance.now();
  let asked: MirrorRequest | undefined;
  let problem: unknown;
  try {
    const { url = "", headers } = request;
    asked = parseMirrorRequest(
      { url, headers },
      { registryOfPort: port.registryOfPort, defaultRegistry },
    );
    await answer(asked, { ...exchange, deps: port.deps, signal: gone.signal });
  } catch (error) {
    problem = error;
    if (codeOf(error) === "internal" && !gone.signal.aborted) {
      logger.error("cannot answer a request", { error });
    }
    // A body that was begun is ended by who began it.
    if (!response.headersSent)
      sendAnswer(response, apiAnswerOfError(error, subjectOf(asked?.path)));
  }
  if (problem === undefined && !response.writableFinished) boundStall(response);
  logger.debug("answered a request", {
    method: request.method,
    registry: asked?.registry,
    ...fieldsOf(asked?.path),
    status: response.statusCode,
    durationMs: Math.round(performance.now() - startedAtMs),
    ...(problem !== undefined && { code: codeOf(problem) }),
  });
}

async function answer(
  asked: MirrorRequest,
  options: Exchange & Cancellable & { readonly deps: MirrorHandlerDeps },
): Promise<void> {
  const { request, response, deps, signal } = options;
  const { registry, path } = asked;
  if (request.method !== "GET" && request.method !== "HEAD") {
    const headers = { allow: "GET, HEAD" };
    throw new ApiError("UNSUPPORTED", "Cannot do that: a mirror is only read", { headers });
  }
  deps.gate.check(registry);
  const patience = new Patience({ windowMs: deps.answerTimeoutMs });
  const deadline = patience.deadline({ signal });
  try {
    const verdict = await authorize(asked, { request, deps, signal: deadline.signal });
    if (!verdict.isAllowed) {
      sendAnswer(response, refusedAnswer(verdict));
      return;
    }
    const { authorization } = verdict;
    if (path.kind === "base") {
      sendAnswer(response, { ...jsonAnswer(200, {}), headers: apiVersionHeader });
      return;
    }
    const { repository } = path;
    // Who says `ns` is containerd, or does as it does.
    const goesOn = asked.query.has("ns");
    const client = { request, response, authorization, goesOn, patience, signal };
    const call = { registry, repository, ...client };
    // A blob takes its time, as long as bytes of it come.
    if (path.kind === "blob") await blobRoute(path.digest, call, deps);
    else
      await deps.small.run(deadline.signal, async () => {
        await answerSmall(asked, { ...call, signal: deadline.signal }, deps);
        await waitSent(response, smallSentMs);
      });
  } finally {
    deadline[Symbol.dispose]();
  }
}

async function answerSmall(
  asked: MirrorRequest,
  call: RouteCall,
  deps: MirrorHandlerDeps,
): Promise<void> {
  const { path } = asked;
  switch (path.kind) {
    case "manifest":
      return manifestRoute(path.name, call, deps);
    case "tags":
      return tagsRoute(asked, call, deps);
    case "referrers":
      return referrersRoute(path.digest, asked, { call, deps });
    default:
      throw new ApiError("UNSUPPORTED", "Cannot do that: a mirror takes no uploads");
  }
}

async function authorize(
  { registry, path }: MirrorRequest,
  { request, deps, signal }: Cancellable & Pick<Exchange, "request"> & Pick<Port, "deps">,
): Promise<Allowed | Refused> {
  const header = request.headers.authorization;
  return deps.access.authorize(
    {
      ...{ kind: path.kind, registry },
      ...(path.kind !== "base" && { repository: path.repository }),
      ...("digest" in path && { digest: path.digest }),
      ...(path.kind === "manifest" && path.name),
      authorization: header === undefined ? undefined : new Credential(header, { registry }),
    },
    { signal },
  );
}

/** The registry's own words stand before ours. */
function refusedAnswer({ code, message, status, headers, refusal }: Refused): HttpAnswer {
  const answer = apiErrorAnswer(code, message, {
    headers: headers ?? {},
    ...(status !== undefined && { status }),
    ...(refusal && { status: refusal.statusCode }),
  });
  if (!refusal || refusal.body.byteLength === 0) return answer;
  return { ...answer, body: refusal.body, contentType: refusal.mediaType };
}

function subjectOf(path: ApiPath | undefined): ApiSubject {
  return path?.kind === "blob" || path?.kind === "manifest" ? path.kind : "repository";
}

function fieldsOf(path: ApiPath | undefined): Readonly<Record<string, unknown>> {
  if (!path || path.kind === "base") return {};
  if (path.kind === "manifest") return { repository: path.repository, ...path.name };
  return { repository: path.repository, ...("digest" in path && { digest: path.digest }) };
}
