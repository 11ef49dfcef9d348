import type { IncomingMessage, ServerResponse } from "node:http";

import { z } from "zod";

import { InvalidArgumentError } from "../../core/errors.ts";
import { errorAnswer, sendAnswer } from "../../core/http/http-answer.ts";
import { readBody } from "../../core/http/read-body.ts";
import { parseImageReference } from "../../core/image-reference.ts";
import { areNodeLabels } from "../../core/node-hello.ts";
import { platformsMax } from "../../core/node-task.ts";
import { parsePlatform } from "../../core/platform.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { PreheatEvent } from "../preheat-event.ts";
import type { PreheatRequest, Preheats } from "../preheats.ts";
import { parseJsonBody } from "./json-body.ts";

/** Longest request: a reference, a handful of platforms, labels. */
const bodyLengthMax = 16 * 1024;

/** Unread bytes of progress that a slow client may cause, before progress is left out. */
const unreadBytesMax = 256 * 1024;

const bodySchema = z.strictObject({
  image: z.string().min(1).max(600),
  platforms: z
    .union([z.literal("all"), z.array(z.string().max(100)).min(1).max(platformsMax)])
    .optional(),
  scope: z.enum(["seeders", "nodes"]).default("seeders"),
  nodes: z
    .strictObject({
      labels: z.record(z.string(), z.string()).refine(areNodeLabels).default({}),
      percent: z.number().gt(0).max(100).default(100),
    })
    .prefault({}),
});

/** Answers `POST /v1/preheat` with a stream of events, a line of JSON each; who hangs up cancels. */
export async function preheatRoute(
  request: IncomingMessage,
  response: ServerResponse,
  { preheats, signal }: Cancellable & { readonly preheats: Pick<Preheats, "run"> },
): Promise<void> {
  if (request.method !== "POST") {
    sendAnswer(response, errorAnswer("unimplemented", "Cannot do that: want POST", 405));
    return;
  }
  const body = await readBody(request, bodyLengthMax);
  if (!body) throw new InvalidArgumentError("Cannot preheat: the request is too long");
  const onEvent = (event: PreheatEvent) => {
    if (response.destroyed) return;
    if (!response.headersSent) {
      response.writeHead(200, {
        "content-type": "application/x-ndjson",
        "cache-control": "no-store",
      });
    }
    if (isProgress(event) && response.writableLength > unreadBytesMax) return;
    response.write(`${JSON.stringify(event)}\n`);
  };
  await preheats.run(parsePreheatRequest(body), { onEvent, signal });
  response.end();
}

/** Answers `DELETE /v1/preheats/<id>`, which ends one that is under way. */
export function cancelRoute(
  request: IncomingMessage,
  response: ServerResponse,
  { preheats, id }: { readonly preheats: Pick<Preheats, "cancel">; readonly id: string },
): void {
  if (request.method !== "DELETE") {
    sendAnswer(response, errorAnswer("unimplemented", "Cannot do that: want DELETE", 405));
  } else if (preheats.cancel(id)) {
    response.writeHead(204, { "cache-control": "no-store" }).end();
  } else {
    sendAnswer(response, errorAnswer("not_found", "Cannot find a preheat of that id under way"));
  }
}

function isProgress(event: PreheatEvent): boolean {
  if (event.event === "node") return event.state === "fetching" || event.state === "paused";
  return event.event === "blob" && event.state === "fetching";
}

function parsePreheatRequest(body: Uint8Array): PreheatRequest {
  const { success, data } = bodySchema.safeParse(parseJsonBody(body));
  if (!success) {
    throw new InvalidArgumentError(
      'Cannot preheat: want {"image": "registry/repo:tag", "platforms": ["linux/amd64"] or "all", ' +
        '"scope": "seeders" or "nodes", "nodes": {"labels": {"key": "value"}, "percent": 100}}',
    );
  }
  const { image, platforms, scope, nodes } = data;
  return {
    reference: parseImageReference(image),
    ...(platforms !== undefined && {
      platforms: platforms === "all" ? platforms : platforms.map(parsePlatform),
    }),
    ...(scope === "nodes" && { nodes }),
  };
}
