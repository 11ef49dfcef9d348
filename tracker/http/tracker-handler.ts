import type { IncomingMessage, ServerResponse } from "node:http";

import { batchHeader, batchTorrentsMax } from "../../core/announce-batch.ts";
import { InvalidArgumentError, codeOf } from "../../core/errors.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { ServiceStatus } from "../../core/service-status.ts";
import type { AnnounceServer } from "../announce-server.ts";
import {
  type HttpAnswer,
  answerOfError,
  errorAnswer,
  jsonAnswer,
  sendAnswer,
} from "../../core/http/http-answer.ts";
import { batchRoute } from "./batch-route.ts";
import { type MetainfoRouteDeps, metainfoRoute } from "./metainfo-route.ts";
import { scrapeAnswer } from "./scrape-answer.ts";

/** What {@link trackerHandler} works with. */
export interface TrackerHandlerDeps extends MetainfoRouteDeps {
  readonly announces: AnnounceServer;
  readonly status: () => ServiceStatus;
  /** Changes when the tracker has forgotten something: publishers then publish again. */
  readonly generation: string;
  readonly logger: Logger;
}

/** Every answer carries {@link TrackerHandlerDeps.generation} in it. */
const generationHeader = "x-shoal-generation";

/** Answers all HTTP requests of a tracker. */
export function trackerHandler(
  deps: TrackerHandlerDeps,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    response.setHeader(generationHeader, deps.generation);
    const [path, query = ""] = (request.url ?? "").split("?", 2);
    if (path === "/announce" && request.method === "GET") {
      response.setHeader("content-type", "text/plain");
      response.setHeader(batchHeader, batchTorrentsMax);
      deps.announces.onHttpRequest(request, response);
    } else if (path === "/scrape" && request.method === "GET") {
      const answer = scrapeAnswer(query, (infoHash) => deps.announces.scrape(infoHash));
      sendAnswer(response, answer);
    } else {
      void answerRequest(request, response, deps);
    }
  };
}

/** The boundary: nothing is thrown beyond it. */
async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  deps: TrackerHandlerDeps,
): Promise<void> {
  let answer: HttpAnswer;
  try {
    answer = await answerOf(request, deps);
  } catch (error) {
    if (request.destroyed && !request.complete) return;
    answer = answerOfError(error);
    if (codeOf(error) === "internal") deps.logger.error("cannot answer a request", { error });
  }
  if (!response.destroyed) sendAnswer(response, answer);
}

async function answerOf(request: IncomingMessage, deps: TrackerHandlerDeps): Promise<HttpAnswer> {
  const url = urlOf(request);
  if (url.pathname.startsWith("/v1/metainfo/")) return metainfoRoute(request, { url, deps });
  if (request.method === "POST" && url.pathname === "/announce") {
    return batchRoute(request, (batch) => deps.announces.announceBatch(batch, request));
  }
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (isRead && url.pathname === "/healthz") return jsonAnswer(200, { status: "ok" });
  if (isRead && url.pathname === "/v1/status") return jsonAnswer(200, deps.status());
  return errorAnswer("not_found", "Cannot find that route");
}

function urlOf(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? "", "http://tracker");
  } catch (cause) {
    throw new InvalidArgumentError("Cannot parse the URL", { cause });
  }
}
