import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "./api-error.ts";
import { parseApiPath } from "./api-path.ts";

const digest = `sha256:${"a".repeat(64)}`;

function codeFor(path: string): string {
  try {
    return `taken as ${parseApiPath(path).kind}`;
  } catch (error) {
    return error instanceof ApiError ? error.apiCode : String(error);
  }
}

test("parseApiPath() reads every path of the API", () => {
  const repository = "library/debian";
  assert.deepEqual(parseApiPath("/v2/"), { kind: "base" });
  assert.deepEqual(parseApiPath("/v2"), { kind: "base" });
  const expected = {
    "manifests/bookworm": { kind: "manifest", repository, name: { tag: "bookworm" } },
    [`manifests/${digest}`]: { kind: "manifest", repository, name: { digest } },
    [`blobs/${digest}`]: { kind: "blob", repository, digest },
    "blobs/uploads/": { kind: "uploads", repository },
    "blobs/uploads": { kind: "uploads", repository },
    "blobs/uploads/0b5a-77": { kind: "upload", repository, id: "0b5a-77" },
    "tags/list": { kind: "tags", repository },
    [`referrers/${digest}`]: { kind: "referrers", repository, digest },
  };
  for (const [end, path] of Object.entries(expected)) {
    assert.deepEqual(parseApiPath(`/v2/${repository}/${end}`), path);
  }
});

test("parseApiPath() takes names for names that hold the API's own words", () => {
  for (const repository of ["a/blobs", "manifests/tags", "blobs/uploads", "one/two/three/four"]) {
    assert.deepEqual(parseApiPath(`/v2/${repository}/blobs/${digest}`), {
      kind: "blob",
      repository,
      digest,
    });
    assert.deepEqual(parseApiPath(`/v2/${repository}/tags/list`), { kind: "tags", repository });
  }
});

test("parseApiPath() decodes what clients encode", () => {
  const encoded = digest.replace(":", "%3A");
  assert.deepEqual(parseApiPath(`/v2/library%2Fdebian/blobs/${encoded}`), {
    kind: "blob",
    repository: "library/debian",
    digest,
  });
});

test("parseApiPath() says what is wrong with a path", () => {
  const cases = {
    "/": "NAME_UNKNOWN",
    "/v1/search": "NAME_UNKNOWN",
    "/v2/_catalog": "NAME_UNKNOWN",
    "/v2/debian": "NAME_UNKNOWN",
    "/v2/debian/other/x": "NAME_UNKNOWN",
    "/v2/manifests/latest": "NAME_UNKNOWN",
    "/v2//manifests/latest": "NAME_INVALID",
    "/v2/Debian/manifests/latest": "NAME_INVALID",
    "/v2/../etc/manifests/latest": "NAME_INVALID",
    "/v2/a//b/manifests/latest": "NAME_INVALID",
    "/v2/a%00b/manifests/latest": "NAME_INVALID",
    "/v2/%E0%A4%A/manifests/latest": "NAME_INVALID",
    [`/v2/${"a/".repeat(2000)}manifests/latest`]: "NAME_INVALID",
    [`/v2/${"a".repeat(256)}/manifests/latest`]: "NAME_INVALID",
    "/v2/debian/manifests/": "TAG_INVALID",
    "/v2/debian/manifests/.x": "TAG_INVALID",
    [`/v2/debian/manifests/${"a".repeat(129)}`]: "TAG_INVALID",
    "/v2/debian/manifests/sha256:abc": "DIGEST_INVALID",
    "/v2/debian/blobs/": "DIGEST_INVALID",
    "/v2/debian/blobs/md5:00": "DIGEST_INVALID",
    [`/v2/debian/blobs/${digest.toUpperCase()}`]: "DIGEST_INVALID",
    "/v2/debian/referrers/latest": "DIGEST_INVALID",
    "/v2/debian/blobs/uploads/a.b": "BLOB_UPLOAD_UNKNOWN",
  };
  for (const [path, code] of Object.entries(cases)) assert.equal(codeFor(path), code, path);
});
