import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../digest.ts";
import {
  AccessDeniedError,
  BlobNotFoundError,
  BlobSizeError,
  DigestMismatchError,
  ImageNotFoundError,
  StorageFullError,
  UnavailableError,
} from "../errors.ts";
import type { HttpAnswer } from "../http/http-answer.ts";
import { type ApiSubject, apiAnswerOfError } from "./api-answer.ts";
import { ApiError } from "./api-error.ts";

const digest = digestOf(Buffer.from("a"));

function told({ status, body }: HttpAnswer): readonly [number, string] {
  const { errors } = JSON.parse(String(body)) as { errors: { code: string }[] };
  return [status, errors.map(({ code }) => code).join()];
}

test("apiAnswerOfError() says in the API's words what is wrong", () => {
  const cases: readonly [unknown, ApiSubject, readonly [number, string]][] = [
    [new BlobNotFoundError(digest), "blob", [404, "BLOB_UNKNOWN"]],
    [new BlobNotFoundError(digest), "manifest", [404, "MANIFEST_UNKNOWN"]],
    [new ImageNotFoundError("a.example/b:c"), "manifest", [404, "MANIFEST_UNKNOWN"]],
    [new ImageNotFoundError("a.example/b"), "repository", [404, "NAME_UNKNOWN"]],
    [new DigestMismatchError(digest, digest), "blob", [400, "DIGEST_INVALID"]],
    [new BlobSizeError(1, 2), "blob", [400, "SIZE_INVALID"]],
    [new AccessDeniedError("Cannot"), "blob", [403, "DENIED"]],
    [new UnavailableError("Cannot"), "blob", [503, "UNAVAILABLE"]],
    [new StorageFullError("Cannot"), "blob", [507, "UNKNOWN"]],
    [new DOMException("late", "TimeoutError"), "blob", [504, "UNKNOWN"]],
    [new ApiError("TOOMANYREQUESTS", "Cannot"), "blob", [429, "TOOMANYREQUESTS"]],
    [new ApiError("UNSUPPORTED", "Cannot", { status: 404 }), "blob", [404, "UNSUPPORTED"]],
  ];
  for (const [error, subject, expected] of cases) {
    assert.deepEqual(told(apiAnswerOfError(error, subject)), expected);
  }
});

test("apiAnswerOfError() carries the headers of the API and of the error", () => {
  const headers = { "www-authenticate": 'Basic realm="x"' };
  const answer = apiAnswerOfError(new ApiError("UNAUTHORIZED", "Cannot", { headers }), "blob");
  assert.equal(answer.headers?.["docker-distribution-api-version"], "registry/2.0");
  assert.equal(answer.headers["www-authenticate"], 'Basic realm="x"');
});

test("apiAnswerOfError() tells nobody what we did not expect", () => {
  const answer = apiAnswerOfError(new Error("secret"), "blob");
  assert.deepEqual(told(answer), [500, "UNKNOWN"]);
  assert.doesNotMatch(String(answer.body), /secret/);
});
