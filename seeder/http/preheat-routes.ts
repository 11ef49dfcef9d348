import type { IncomingMessage, ServerResponse } from "node:http";

import { errorAnswer, sendAnswer } from "../../core/http/http-answer.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { NodeTable } from "../nodes/node-table.ts";
import type { Preheats } from "../preheats.ts";
import { nodeReportRoute, nodeTasksRoute } from "./node-tasks-route.ts";
import { type NotificationsRouteDeps, notificationsRoute } from "./notifications-route.ts";
import { cancelRoute, preheatRoute } from "./preheat-route.ts";

/** What {@link preheatRouteOf} works with. */
export interface PreheatRoutesDeps {
  readonly preheats: Preheats;
  readonly table: NodeTable;
  /** `undefined`: none are taken. */
  readonly notifications: NotificationsRouteDeps | undefined;
}

/** Answers one request. */
type PreheatRoute = (
  request: IncomingMessage,
  response: ServerResponse,
  options: Cancellable,
) => Promise<void> | void;

const reportPath = /^\/v1\/node-tasks\/([0-9a-f-]{36})\/results$/;

/** Finds the route of a path among those that preheat images; `undefined` when it is another. */
export function preheatRouteOf(
  pathname: string,
  { preheats, table, notifications }: PreheatRoutesDeps,
): PreheatRoute | undefined {
  if (pathname === "/v1/preheat") {
    return (request, response, { signal }) => preheatRoute(request, response, { preheats, signal });
  }
  if (pathname.startsWith("/v1/preheats/")) {
    const id = pathname.slice("/v1/preheats/".length);
    return (request, response) => cancelRoute(request, response, { preheats, id });
  }
  const id = reportPath.exec(pathname)?.[1];
  if (id !== undefined) {
    return onlyPost((request, response) => nodeReportRoute(request, response, { table, id }));
  }
  if (pathname === "/v1/node-tasks") {
    return onlyPost((request, response) => nodeTasksRoute(request, response, { table }));
  }
  if (pathname.startsWith("/v1/notifications/") && notifications) {
    const form = pathname.slice("/v1/notifications/".length);
    return (request, response) =>
      notificationsRoute(request, response, { form, deps: notifications });
  }
  return undefined;
}

function onlyPost(route: PreheatRoute): PreheatRoute {
  return (request, response, options) => {
    if (request.method === "POST") return route(request, response, options);
    sendAnswer(response, errorAnswer("unimplemented", "Cannot do that: want POST", 405));
  };
}
