import type { IncomingMessage, ServerResponse } from "node:http";

import { z } from "zod";

import { createDeadline } from "../../core/async/deadline.ts";
import { InvalidArgumentError, UnavailableError } from "../../core/errors.ts";
import { errorAnswer, sendAnswer } from "../../core/http/http-answer.ts";
import { readBody } from "../../core/http/read-body.ts";
import { parseImageReference } from "../../core/image-reference.ts";
import type { Platform } from "../../core/platform.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import { type PreheatDeps, type PreheatRequest, preheat } from "../preheat.ts";

/** What {@link PreheatRoute} works with. */
export interface PreheatRouteDeps extends PreheatDeps {
  readonly preheatsMax: number;
  readonly preheatTimeoutMs: number;
  /** For requests that name none: that of the seeder, which is mostly that of the cluster. */
  readonly platformDefault: Platform;
}

/** Longest request: a reference and a handful of platforms. */
const bodyLengthMax = 16 * 1024;

/** Unread bytes of progress that a slow client may cause, before progress is left out. */
const unreadBytesMax = 256 * 1024;

const bodySchema = z.strictObject({
  image: z.string().min(1).max(600),
  platforms: z.union([z.literal("all"), z.array(z.string().max(100)).min(1).max(50)]).optional(),
});

/** Answers `POST /v1/preheat` with a stream of events, a line of JSON each. */
export class PreheatRoute {
  readonly #deps: PreheatRouteDeps;
  #running = 0;

  constructor(deps: PreheatRouteDeps) {
    this.#deps = deps;
  }

  /** @throws {CodedError} before anything was sent; afterwards the last event tells. */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    { signal }: Cancellable,
  ): Promise<void> {
    if (request.method !== "POST") {
      sendAnswer(response, errorAnswer("unimplemented", "Cannot do that: want POST", 405));
      return;
    }
    const body = await readBody(request, bodyLengthMax);
    if (!body) throw new InvalidArgumentError("Cannot preheat: the request is too long");
    const wanted = parsePreheatRequest(body, this.#deps.platformDefault);
    if (this.#running >= this.#deps.preheatsMax) {
      throw new UnavailableError("Cannot preheat: as many as may are running");
    }
    this.#running++;
    const deadline = createDeadline(signal, this.#deps.preheatTimeoutMs);
    try {
      response.writeHead(200, {
        "content-type": "application/x-ndjson",
        "cache-control": "no-store",
      });
      await preheat(wanted, {
        ...this.#deps,
        signal: deadline.signal,
        onEvent: (event) => {
          const isProgress = event.event === "blob" && event.state === "fetching";
          if (isProgress && response.writableLength > unreadBytesMax) return;
          if (!response.destroyed) response.write(`${JSON.stringify(event)}\n`);
        },
      });
      response.end();
    } finally {
      deadline[Symbol.dispose]();
      this.#running--;
    }
  }
}

function parsePreheatRequest(body: Uint8Array, platformDefault: Platform): PreheatRequest {
  const { success, data } = bodySchema.safeParse(parseJson(body));
  if (!success) {
    throw new InvalidArgumentError(
      'Cannot preheat: want {"image": "registry/repo:tag", "platforms": ["linux/amd64"] or "all"}',
    );
  }
  const { image, platforms } = data;
  return {
    reference: parseImageReference(image),
    platforms: platforms === "all" ? "all" : (platforms?.map(parsePlatform) ?? [platformDefault]),
  };
}

function parsePlatform(text: string): Platform {
  const [os = "", architecture = "", variant, ...more] = text.split("/");
  if (os === "" || architecture === "" || variant === "" || more.length > 0) {
    throw new InvalidArgumentError(
      `Cannot parse platform ${JSON.stringify(text)}: want os/architecture[/variant]`,
    );
  }
  return variant === undefined ? { os, architecture } : { os, architecture, variant };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
}
