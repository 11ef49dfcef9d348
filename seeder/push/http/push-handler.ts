import type { IncomingMessage, ServerResponse } from "node:http";

import { codeOf } from "../../../core/errors.ts";
import { jsonAnswer, sendAnswer } from "../../../core/http/http-answer.ts";
import {
  type ApiSubject,
  apiAnswerOfError,
  apiVersionHeader,
} from "../../../core/oci-api/api-answer.ts";
import { ApiError } from "../../../core/oci-api/api-error.ts";
import { type ApiPath, parseApiPath } from "../../../core/oci-api/api-path.ts";
import type { Cancellable } from "../../../core/ports/cancellable.ts";
import type { Logger } from "../../../core/ports/logger.ts";
import { type PushedBlobRouteDeps, pushedBlobRoute } from "./blob-route.ts";
import { type ManifestRoutesDeps, manifestRoute } from "./manifest-routes.ts";
import type { PushAccess } from "./push-access.ts";
import { type PushExchange, refuseMethod } from "./push-exchange.ts";
import { type PushedTagsRouteDeps, pushedTagsRoute } from "./pushed-tags-route.ts";
import { leaveBody } from "./request-body.ts";
import { type UploadRoutesDeps, beginUpload, continueUpload } from "./upload-routes.ts";

/** What {@link PushHandler} works with. */
export interface PushHandlerDeps {
  readonly access: Pick<PushAccess, "check">;
  /** Host that images belong to if the client names none. */
  readonly registry: string;
  /** Hosts that a client may name instead. */
  readonly registries: ReadonlySet<string>;
  readonly routes: UploadRoutesDeps &
    ManifestRoutesDeps &
    PushedBlobRouteDeps &
    PushedTagsRouteDeps;
  readonly logger: Logger;
}

/** Whether a request is to the push API. */
export function isPush({ url }: Pick<IncomingMessage, "url">): boolean {
  return url === "/v2" || url?.startsWith("/v2/") === true || url?.startsWith("/v2?") === true;
}

/** The push API of a seeder, below `/v2/`. @see OCI distribution-spec v1.1 */
export class PushHandler {
  readonly #deps: PushHandlerDeps;

  constructor(deps: PushHandlerDeps) {
    this.#deps = deps;
  }

  /** The boundary: answers errors in the API's own words, and rejects never. */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    { signal }: Cancellable,
  ): Promise<void> {
    let path: ApiPath | undefined;
    try {
      await this.#deps.access.check(request);
      const [pathText = "", ...query] = (request.url ?? "").split("?");
      path = parseApiPath(pathText);
      const search = new URLSearchParams(query.join("?"));
      await this.#route(path, { request, response, query: search, signal });
    } catch (error) {
      if (codeOf(error) === "internal" && !signal.aborted) {
        this.#deps.logger.error("cannot answer a push", { error });
      }
      if (response.headersSent || signal.aborted) response.destroy();
      else {
        leaveBody(request);
        sendAnswer(response, apiAnswerOfError(error, subjectOf(path)));
      }
    }
  }

  async #route(path: ApiPath, asked: Omit<PushExchange, "registry" | "repository">): Promise<void> {
    const { request, response } = asked;
    if (path.kind === "base") {
      if (request.method !== "GET" && request.method !== "HEAD") refuseMethod("GET");
      sendAnswer(response, { ...jsonAnswer(200, {}), headers: apiVersionHeader });
      return;
    }
    const { repository } = path;
    const exchange = { ...asked, registry: this.#registryOf(asked.query), repository };
    const { routes } = this.#deps;
    switch (path.kind) {
      case "uploads":
        return beginUpload(exchange, routes);
      case "upload":
        return continueUpload(path.id, exchange, routes);
      case "manifest":
        return manifestRoute(path.name, exchange, routes);
      case "blob":
        return pushedBlobRoute(path.digest, exchange, routes);
      case "tags":
        return pushedTagsRoute(exchange, routes);
      case "referrers":
        // What the API wants of those who do not list them.
        throw new ApiError("UNSUPPORTED", "Cannot list referrers", { status: 404 });
    }
  }

  /** @throws {ApiError} DENIED */
  #registryOf(query: URLSearchParams): string {
    const { registry, registries } = this.#deps;
    const named = query.get("ns") ?? registry;
    if (named === registry || registries.has(named)) return named;
    throw new ApiError("DENIED", "Cannot push for that registry: it is none of this seeder's");
  }
}

function subjectOf(path: ApiPath | undefined): ApiSubject {
  if (path?.kind === "manifest") return "manifest";
  return path?.kind === "tags" ? "repository" : "blob";
}
