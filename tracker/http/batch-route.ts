import type { IncomingMessage } from "node:http";

import {
  type AnnounceBatch,
  type AnnounceBatchAnswer,
  batchContentType,
  batchLengthMax,
  encodeAnnounceBatchAnswer,
  parseAnnounceBatch,
} from "../../core/announce-batch.ts";
import { encodeBencode } from "../../core/bencode.ts";
import { InvalidArgumentError } from "../../core/errors.ts";
import { type HttpAnswer, errorAnswer } from "../../core/http/http-answer.ts";
import { readBody } from "../../core/http/read-body.ts";

/** Answers `POST /announce`: many announces of one of our nodes. Refusals are as BEP 3 has them. */
export async function batchRoute(
  request: IncomingMessage,
  take: (batch: AnnounceBatch) => AnnounceBatchAnswer,
): Promise<HttpAnswer> {
  if (request.headers["content-type"] !== batchContentType) {
    return errorAnswer("invalid_argument", `Cannot read announces: want ${batchContentType}`, 415);
  }
  const body = await readBody(request, batchLengthMax);
  if (!body) {
    const answer = errorAnswer("invalid_argument", "Cannot read announces: too long", 413);
    return { ...answer, headers: { connection: "close" } };
  }
  try {
    const answer = take(parseAnnounceBatch(body));
    return { status: 200, body: encodeAnnounceBatchAnswer(answer), contentType: batchContentType };
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    const failure = encodeBencode({ "failure reason": error.message });
    return { status: 200, body: failure, contentType: batchContentType };
  }
}
