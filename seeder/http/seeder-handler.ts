import type { IncomingMessage, ServerResponse } from "node:http";

import { InvalidArgumentError, codeOf } from "../../core/errors.ts";
import { answerOfError, errorAnswer, jsonAnswer, sendAnswer } from "../../core/http/http-answer.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { ServiceStatus } from "../../core/service-status.ts";
import { type BlobRouteDeps, blobRoute } from "./blob-route.ts";
import { type FetchRouteDeps, fetchRoute } from "./fetch-route.ts";
import { type MetainfoRouteDeps, metainfoRoute } from "./metainfo-route.ts";
import { type PieceHashesRouteDeps, pieceHashesRoute } from "./piece-hashes-route.ts";
import { type PreheatRoutesDeps, preheatRouteOf } from "./preheat-routes.ts";
import type { Push } from "../push/connect-push.ts";
import { isPush } from "../push/http/push-handler.ts";
import type { SeederTags } from "../tags/seeder-tags.ts";
import { tagsRoute } from "./tags-route.ts";

/** What {@link seederHandler} works with. */
export interface SeederHandlerDeps
  extends
    Omit<BlobRouteDeps, "store" | "known">,
    Omit<MetainfoRouteDeps, "store" | "known">,
    FetchRouteDeps,
    Pick<PieceHashesRouteDeps, "origin"> {
  readonly store: BlobRouteDeps["store"] & MetainfoRouteDeps["store"];
  readonly known: BlobRouteDeps["known"] & MetainfoRouteDeps["known"];
  readonly preheat: PreheatRoutesDeps;
  readonly tags: SeederTags;
  readonly push: Push;
  readonly status: () => ServiceStatus;
  readonly logger: Logger;
}

/** Answers all HTTP requests of a seeder. */
export function seederHandler(
  deps: SeederHandlerDeps,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => void answerRequest(request, response, deps);
}

/** The boundary: nothing is thrown beyond it. */
async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  deps: SeederHandlerDeps,
): Promise<void> {
  // Who hangs up wants nothing any more.
  const gone = new AbortController();
  response.once("close", () => gone.abort(new DOMException("The client left", "AbortError")));
  try {
    await route(request, response, { deps, signal: gone.signal });
  } catch (error) {
    const isGone = gone.signal.aborted;
    if (codeOf(error) === "internal" && !isGone) {
      deps.logger.error("cannot answer a request", { error });
    }
    if (response.headersSent || isGone) response.destroy();
    else sendAnswer(response, answerOfError(error));
  }
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  { deps, signal }: Cancellable & { readonly deps: SeederHandlerDeps },
): Promise<void> {
  const url = urlOf(request);
  const { pathname } = url;
  if (isPush(request) && deps.push.handler) {
    await deps.push.handler.answer(request, response, { signal });
    return;
  }
  const preheatRoute = preheatRouteOf(pathname, deps.preheat);
  if (pathname.startsWith("/v1/blobs/")) {
    const path = pathname.slice("/v1/blobs/".length);
    await blobRoute(request, response, { path, deps, signal });
  } else if (pathname.startsWith("/v1/metainfo/")) {
    sendAnswer(response, await metainfoRoute(request, { url, deps }));
  } else if (pathname.startsWith("/v1/piece-hashes/")) {
    const path = pathname.slice("/v1/piece-hashes/".length);
    const from = url.searchParams.get("from");
    await pieceHashesRoute(request, response, { path, from, deps, signal });
  } else if (pathname === "/v1/fetch") {
    sendAnswer(response, await fetchRoute(request, { deps, signal }));
  } else if (pathname === "/v1/tags") {
    sendAnswer(response, await tagsRoute(request, { url, tags: deps.tags, signal }));
  } else if (pathname.startsWith("/v1/pushes/")) {
    const id = pathname.slice("/v1/pushes/".length);
    sendAnswer(response, await deps.push.route.answer(request, id));
  } else if (preheatRoute) {
    await preheatRoute(request, response, { signal });
  } else if (request.method !== "GET" && request.method !== "HEAD") {
    sendAnswer(response, errorAnswer("not_found", "Cannot find that route"));
  } else if (pathname === "/healthz") {
    sendAnswer(response, jsonAnswer(200, { status: "ok" }));
  } else if (pathname === "/v1/status") {
    sendAnswer(response, jsonAnswer(200, deps.status()));
  } else {
    sendAnswer(response, errorAnswer("not_found", "Cannot find that route"));
  }
}

function urlOf(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? "", "http://seeder");
  } catch (cause) {
    throw new InvalidArgumentError("Cannot parse the URL", { cause });
  }
}
