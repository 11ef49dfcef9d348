import { parseDigest } from "../../core/digest.ts";
import { InvalidArgumentError } from "../../core/errors.ts";
import { containerd } from "../../protos/gen/content.js";
import type { BidiHandler } from "./handler.ts";
import {
  type IngestReply,
  type IngestRequest,
  IngestSession,
  type IngestSessionDeps,
} from "./ingest-session.ts";
import { numberFrom } from "./int64.ts";
import { parseLabels } from "./labels.ts";
import type { WriteContentRequest, WriteContentResponse } from "./messages.ts";
import { timestampOf } from "./timestamp.ts";

const { WriteAction } = containerd.services.content.v1;

/**
 * Answers containerd.services.content.v1.Content/Write. The stream ends with the answer
 * to COMMIT, or when the caller has no more to say. The ref is free before the caller
 * hears of either, or of a failure.
 */
export function writeHandler(
  deps: IngestSessionDeps,
): BidiHandler<WriteContentRequest, WriteContentResponse> {
  return async function* (requests, options) {
    const session = new IngestSession(deps);
    try {
      for await (const message of requests) {
        const request = parseRequest(message);
        const reply = await session.handle(request, options);
        if (request.action === "commit") await session.close();
        yield render(reply);
        if (request.action === "commit") return;
      }
    } finally {
      await session.close();
    }
  };
}

/** @throws {InvalidArgumentError} */
function parseRequest(message: WriteContentRequest): IngestRequest {
  return {
    action: actionOf(message.action),
    ref: message.ref,
    total: Math.max(numberFrom(message.total), 0),
    expected: message.expected === "" ? undefined : parseDigest(message.expected),
    offset: numberFrom(message.offset),
    data: message.data,
    labels: parseLabels(message.labels),
  };
}

function actionOf(action: containerd.services.content.v1.WriteAction): IngestRequest["action"] {
  switch (action) {
    case WriteAction.STAT:
      return "stat";
    case WriteAction.WRITE:
      return "write";
    case WriteAction.COMMIT:
      return "commit";
    default:
      throw new InvalidArgumentError(`Cannot do action ${String(action)}: no such action`);
  }
}

function render(reply: IngestReply): WriteContentResponse {
  return {
    action: WriteAction[reply.action.toUpperCase() as "STAT" | "WRITE" | "COMMIT"],
    startedAt: timestampOf(reply.startedAt),
    updatedAt: timestampOf(reply.updatedAt),
    offset: reply.offset,
    total: reply.total,
    digest: reply.digest,
  };
}
