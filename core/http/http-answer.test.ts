import assert from "node:assert/strict";
import { test } from "node:test";

import { BlobNotFoundError, UnavailableError } from "../errors.ts";
import { digestOf } from "../digest.ts";
import { answerOfError } from "./http-answer.ts";

test("answerOfError() says when to ask again, in whole seconds, where the error does", () => {
  const later = answerOfError(new UnavailableError("not yet", { retryAfterMs: 1200 }));
  assert.deepEqual([later.status, later.headers], [503, { "retry-after": "2" }]);
  for (const error of [new UnavailableError("no"), new BlobNotFoundError(digestOf(Buffer.of()))]) {
    assert.equal(answerOfError(error).headers, undefined);
  }
});

test("answerOfError() tells nothing of a bug", () => {
  const { status, body } = answerOfError(new Error("a secret"));
  assert.equal(status, 500);
  assert.doesNotMatch(String(body), /secret/);
});
