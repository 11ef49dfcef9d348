import type { IncomingMessage, ServerResponse } from "node:http";

import { InvalidArgumentError } from "../../core/errors.ts";
import { errorAnswer, jsonAnswer, sendAnswer } from "../../core/http/http-answer.ts";
import { readBody } from "../../core/http/read-body.ts";
import { Notifications } from "../notifications/notifications.ts";
import { parseJsonBody } from "./json-body.ts";

/** Longest notification: an event of Docker's registry is 1 to 2 KB. */
const bodyLengthMax = 4 * 1024 * 1024;

/** What {@link notificationsRoute} works with. */
export interface NotificationsRouteDeps {
  readonly notifications: Notifications;
  /** Whether an `Authorization` header has the secret. */
  readonly isAllowed: (header: string | undefined) => boolean;
}

/**
 * Answers `POST /v1/notifications/<form>` with 202, before anything is fetched: registries
 * wait for the answer, and send what was refused with 503 again.
 */
export async function notificationsRoute(
  request: IncomingMessage,
  response: ServerResponse,
  { form, deps }: { readonly form: string; readonly deps: NotificationsRouteDeps },
): Promise<void> {
  if (!Notifications.knows(form)) {
    const forms = "want distribution, harbor or images";
    sendAnswer(
      response,
      errorAnswer("not_found", `Cannot take notifications of that form: ${forms}`),
    );
    return;
  }
  if (request.method !== "POST") {
    sendAnswer(response, errorAnswer("unimplemented", "Cannot do that: want POST", 405));
    return;
  }
  // Before the body is read: who is not allowed costs no memory.
  if (!deps.isAllowed(request.headers.authorization)) {
    sendAnswer(response, errorAnswer("unauthenticated", "Cannot take it: the secret is wrong"));
    return;
  }
  const body = await readBody(request, bodyLengthMax);
  if (!body) throw new InvalidArgumentError("Cannot parse the notification: it is too long");
  sendAnswer(response, jsonAnswer(202, deps.notifications.take(form, parseJsonBody(body))));
}
