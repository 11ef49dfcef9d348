import type { IncomingMessage, ServerResponse } from "node:http";

import { CodedError } from "../../core/errors.ts";
import { type HttpAnswer, jsonAnswer, sendAnswer } from "../../core/http/http-answer.ts";
import { readBody } from "../../core/http/read-body.ts";
import { apiAnswerOfError } from "../../core/oci-api/api-answer.ts";
import { ApiError } from "../../core/oci-api/api-error.ts";
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
 * wait for the answer, and send what was refused with 503 again. Who sends them is a registry:
 * refusals are in the words of the distribution API.
 */
export async function notificationsRoute(
  request: IncomingMessage,
  response: ServerResponse,
  options: { readonly form: string; readonly deps: NotificationsRouteDeps },
): Promise<void> {
  try {
    sendAnswer(response, await takeNotification(request, options));
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    sendAnswer(response, apiAnswerOfError(error, "repository"));
  }
}

async function takeNotification(
  request: IncomingMessage,
  { form, deps }: { readonly form: string; readonly deps: NotificationsRouteDeps },
): Promise<HttpAnswer> {
  if (!Notifications.knows(form)) {
    const why = "Cannot take notifications of that form: want distribution, harbor or images";
    throw new ApiError("UNSUPPORTED", why, { status: 404 });
  }
  if (request.method !== "POST") {
    throw new ApiError("UNSUPPORTED", "Cannot do that: want POST", { headers: { allow: "POST" } });
  }
  // Before the body is read: who is not allowed costs no memory.
  if (!deps.isAllowed(request.headers.authorization)) {
    throw new ApiError("UNAUTHORIZED", "Cannot take it: the secret is wrong");
  }
  const body = await readBody(request, bodyLengthMax);
  if (!body) {
    const why = `Cannot take a notification of more than ${bodyLengthMax} bytes`;
    throw new ApiError("SIZE_INVALID", why, { status: 413 });
  }
  return jsonAnswer(202, deps.notifications.take(form, parseJsonBody(body)));
}
