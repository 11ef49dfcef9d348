import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { test } from "node:test";

import { ApiError } from "../../core/oci-api/api-error.ts";
import { parseMirrorRequest } from "./mirror-request.ts";

const digest = `sha256:${"a".repeat(64)}`;

/** Registry and repository of a request. */
function meant(
  url: string,
  options: { readonly headers?: IncomingHttpHeaders; readonly registryOfPort?: string } = {},
): string {
  const { registry, path } = parseMirrorRequest(
    { url, headers: options.headers ?? {} },
    { registryOfPort: options.registryOfPort, defaultRegistry: "docker.io" },
  );
  return path.kind === "base" ? registry : `${registry} ${path.repository}`;
}

test("a registry is named by ?ns=, as containerd does", () => {
  assert.equal(meant(`/v2/a/b/blobs/${digest}?ns=quay.io`), "quay.io a/b");
  assert.equal(meant("/v2/a/manifests/x?ns=registry.example:5000"), "registry.example:5000 a");
  assert.equal(meant("/v2/?ns=quay.io"), "quay.io");
});

test("a registry is named by a header", () => {
  const dragonfly = { "x-dragonfly-registry": "https://ghcr.io/" };
  assert.equal(meant("/v2/a/b/manifests/x", { headers: dragonfly }), "ghcr.io a/b");
  const namespace = { "oci-namespace": "quay.io" };
  assert.equal(meant("/v2/a/b/manifests/x", { headers: namespace }), "quay.io a/b");
});

test("a registry is named by the port", () => {
  const registryOfPort = "registry.k8s.io";
  assert.equal(meant("/v2/pause/manifests/3", { registryOfPort }), "registry.k8s.io pause");
  assert.equal(meant("/v2/a.b/c/manifests/3", { registryOfPort }), "registry.k8s.io a.b/c");
});

test("a registry is named by the first component of the name", () => {
  assert.equal(meant("/v2/ghcr.io/a/b/manifests/x"), "ghcr.io a/b");
  assert.equal(meant("/v2/localhost:5000/a/manifests/x"), "localhost:5000 a");
  assert.equal(meant("/v2/registry%3A5000/a/tags/list"), "registry:5000 a");
  assert.equal(meant("/v2/localhost/a/tags/list"), "localhost a");
  assert.equal(meant("/v2/[fd00::1]:5000/a/tags/list"), "[fd00::1]:5000 a");
  assert.equal(meant("/v2/%5Bfd00::1%5d%3A5000/a/tags/list"), "[fd00::1]:5000 a");
  assert.equal(meant("/v2/a/manifests/x?ns=[fd00::1]:5000"), "[fd00::1]:5000 a");
});

test("a registry is named by a URL within the path, as overlaybd does", () => {
  assert.equal(meant(`/dadip2p/https://ghcr.io/v2/a/b/blobs/${digest}`), "ghcr.io a/b");
  assert.equal(meant(`/blobs/https:/ghcr.io/v2/a/b/blobs/${digest}?x=1`), "ghcr.io a/b");
});

test("without any name it is the default, whose images of one word are in library/", () => {
  assert.equal(meant("/v2/debian/manifests/x"), "docker.io library/debian");
  assert.equal(meant("/v2/a/b/manifests/x"), "docker.io a/b");
  assert.equal(meant("/v2/debian/manifests/x?ns=registry-1.docker.io"), "docker.io library/debian");
  assert.equal(meant("/v2/debian/manifests/x?ns="), "docker.io library/debian");
});

test("a request that names nothing of a registry is refused in the API's words", () => {
  for (const url of [
    "/",
    "*",
    "/v1/",
    "http://ghcr.io/v2/a/manifests/x",
    "/x/ftp://a/v2/",
    "/v2/x",
  ]) {
    assert.throws(() => meant(url), ApiError, url);
  }
  assert.throws(() => meant(`/v2/?ns=${"a".repeat(3000)}`), { apiCode: "NAME_INVALID" });
});

test("what is no name of a registry is refused, and a login in it is not repeated", () => {
  const login = "fisher:line@quay.io";
  const dragonfly = { "x-dragonfly-registry": `https://${login}` };
  for (const [url, headers] of [
    ["/v2/a/manifests/x", dragonfly],
    ["/v2/a/manifests/x", { "oci-namespace": login }],
    [`/v2/a/manifests/x?ns=${login}`, {}],
    [`/v2/${login}/a/manifests/x`, {}],
    [`/dadip2p/https://${login}/v2/a/b/blobs/${digest}`, {}],
    ["/v2/a/manifests/x?ns=a%20b", {}],
  ] as const) {
    assert.throws(
      () => meant(url, { headers }),
      (error) =>
        error instanceof ApiError &&
        error.apiCode === "NAME_INVALID" &&
        !error.message.includes("line"),
      url,
    );
  }
});
