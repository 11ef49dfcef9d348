import type { IncomingMessage } from "node:http";

import { type HttpAnswer, errorAnswer, jsonAnswer } from "../../../core/http/http-answer.ts";
import type { PushQueue, WaitingPush } from "../push-queue.ts";
import type { PushedTags } from "../pushed-tags.ts";
import { reportPush } from "../report-pushes.ts";
import type { WriteThrough } from "../write-through.ts";
import type { PushAccess } from "./push-access.ts";

/** What {@link PushesRoute} works with. */
export interface PushesRouteDeps {
  readonly queue: PushQueue;
  readonly tags: PushedTags;
  readonly access: Pick<PushAccess, "check">;
  readonly writeThrough: Pick<WriteThrough, "giveUp" | "isRunning">;
}

/**
 * Answers `/v1/pushes/<id>`, for those who look after the seeder: `GET` tells of a push that
 * waits for its registry, `POST` tries it now, `DELETE` gives it up.
 */
export class PushesRoute {
  readonly #deps: PushesRouteDeps;

  constructor(deps: PushesRouteDeps) {
    this.#deps = deps;
  }

  /** @throws {ApiError} UNAUTHORIZED for those who may not push. */
  async answer(request: IncomingMessage, id: string): Promise<HttpAnswer> {
    const { queue, access } = this.#deps;
    await access.check(request);
    const waiting = queue.find(id);
    if (!waiting) return errorAnswer("not_found", "Cannot find that push: it may have arrived");
    switch (request.method) {
      case "GET":
      case "HEAD":
        break;
      case "POST":
        queue.hurry(waiting);
        break;
      case "DELETE":
        await this.#giveUp(waiting);
        break;
      default:
        return errorAnswer("unimplemented", "Cannot do that: want GET, POST or DELETE", 405);
    }
    return jsonAnswer(200, reportPush(waiting, this.#deps));
  }

  /** A manifest goes with its tags: nobody could pull them. */
  async #giveUp(waiting: WaitingPush): Promise<void> {
    const { queue, tags, writeThrough } = this.#deps;
    const { push } = waiting;
    if (push.kind === "manifest") {
      for (const tag of queue.tagsFor(push)) await this.#giveUp(tag);
    }
    if (push.kind === "tag") {
      const { registry, repository, tag } = push;
      // Before the record goes: a tag without one would count as pushed for ever.
      await tags.withdraw({ registry, repository, tag });
    }
    await writeThrough.giveUp(waiting);
  }
}
