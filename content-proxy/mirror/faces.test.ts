import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";

import { digestOf } from "../../core/digest.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { type MirrorAnswer, MirrorNode } from "./mirror-node.test-support.ts";

const layer = Buffer.from("a layer");
const digest = digestOf(layer);

function errorCodeOf({ body }: MirrorAnswer): string | undefined {
  const { errors } = JSON.parse(body.toString()) as { errors: { code: string }[] };
  return errors[0]?.code;
}

/** Answers paths that end so with JSON. */
function answering(answers: Readonly<Record<string, object>>, headers = {}) {
  return ({ url = "" }: IncomingMessage, response: ServerResponse): boolean => {
    const found = Object.entries(answers).find(([end]) => url.endsWith(end));
    if (found) response.writeHead(200, headers).end(JSON.stringify(found[1]));
    return found !== undefined;
  };
}

test("/v2/ says that this is a registry", async (t) => {
  const mirror = await MirrorNode.open(t);
  const { status, headers } = await mirror.get("/v2/");
  assert.deepEqual([status, headers["docker-distribution-api-version"]], [200, "registry/2.0"]);
  assert.equal((await mirror.get("/v2/", { method: "HEAD" })).status, 200);
});

test("a registry is meant by its own port, too", async (t) => {
  const yaml = `mirror:
  listen: 127.0.0.1:0
  enabled: true
  ports: [{ listen: "127.0.0.1:0", registry: "REGISTRY" }]`;
  const mirror = await MirrorNode.open(t, yaml);
  mirror.registry.addImage([layer], "app:1");
  const port = mirror.ports[0] ?? 0;
  assert.equal((await mirror.get("/v2/app/manifests/1", { port, bare: true })).status, 200);
});

test("a registry is meant by the first part of the name, a header, or a prefix", async (t) => {
  const mirror = await MirrorNode.open(t);
  mirror.registry.addImage([layer], "app:1");
  const { host } = mirror.registry;
  const bare = true;
  const headers = { "x-dragonfly-registry": `http://${host}` };
  assert.equal((await mirror.get(`/v2/${host}/app/manifests/1`, { bare })).status, 200);
  assert.equal((await mirror.get("/v2/app/manifests/1", { bare, headers })).status, 200);
  assert.equal((await mirror.get(`/dadip2p/http://${host}/v2/app/manifests/1`)).status, 200);
});

test("no registry is asked by address, nor on this machine, that is not configured", async (t) => {
  const mirror = await MirrorNode.open(t);
  for (const host of ["127.0.0.1:1", "localhost:1", "169.254.169.254", "[::1]:1", "0x7f.1"]) {
    const answer = await mirror.get(`/v2/app/manifests/1?ns=${encodeURIComponent(host)}`);
    assert.deepEqual([answer.status, errorCodeOf(answer)], [404, "NAME_UNKNOWN"], host);
  }
});

test("a mirror is only read", async (t) => {
  const mirror = await MirrorNode.open(t);
  for (const method of ["PUT", "POST", "PATCH", "DELETE"]) {
    const answer = await mirror.get("/v2/app/manifests/1", { method });
    assert.deepEqual([answer.status, errorCodeOf(answer)], [405, "UNSUPPORTED"]);
    assert.equal(answer.headers.allow, "GET, HEAD");
  }
  assert.equal((await mirror.get("/v2/app/blobs/uploads/")).status, 405);
});

test("what is malformed is refused in the API's words", async (t) => {
  const mirror = await MirrorNode.open(t);
  const cases = {
    "/": [404, "NAME_UNKNOWN"],
    "/v2/_catalog": [404, "NAME_UNKNOWN"],
    "/v2/App/manifests/1": [400, "NAME_INVALID"],
    "/v2/app/manifests/1?ns=a@b": [400, "NAME_INVALID"],
    "/v2/app/manifests/%zz": [400, "NAME_INVALID"],
    "/v2/app/manifests/.x": [404, "MANIFEST_UNKNOWN"],
    "/v2/app/blobs/sha256:abc": [400, "DIGEST_INVALID"],
    "/v2/app/tags/list?n=-1": [400, "PAGINATION_NUMBER_INVALID"],
    "/v2/app/tags/list?last=.%2F": [400, "TAG_INVALID"],
  };
  for (const [path, expected] of Object.entries(cases)) {
    const answer = await mirror.get(path);
    assert.deepEqual([answer.status, errorCodeOf(answer)], expected, path);
  }
  assert.deepEqual(mirror.registry.requests, []);
});

test("tags are listed as the registry lists them, and the next ones are found here", async (t) => {
  const mirror = await MirrorNode.open(t);
  const link = '</v2/app/tags/list?n=2&last=b>; rel="next"';
  mirror.registry.fault = answering({ "/tags/list?n=2&last=0": { tags: ["a", "b"] } }, { link });
  const { status, headers, body } = await mirror.get("/v2/app/tags/list?n=2&last=0");
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(body.toString()), { name: "app", tags: ["a", "b"] });
  const next = `/v2/app/tags/list?n=2&last=b&ns=${encodeURIComponent(mirror.registry.host)}`;
  assert.equal(headers["link"], `<${next}>; rel="next"`);
});

test("what is no list of tags is not passed on", async (t) => {
  const mirror = await MirrorNode.open(t);
  for (const secret of [
    { tags: { secret: 1 } },
    ["secret"],
    { tags: [{ secret: 1 }, "secret key"] },
  ]) {
    mirror.registry.fault = answering({ "/tags/list": secret });
    const { body } = await mirror.get("/v2/app/tags/list");
    assert.doesNotMatch(body.toString(), /secret/);
  }
  mirror.registry.fault = () => false;
  assert.equal(errorCodeOf(await mirror.get("/v2/app/tags/list")), "NAME_UNKNOWN");
});

test("referrers are listed as the registry lists them", async (t) => {
  const mirror = await MirrorNode.open(t);
  const entry = { mediaType: mediaTypes.ociManifest, digest, size: 7, artifactType: "a/b" };
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [entry] };
  const filtered = { "oci-filters-applied": "artifactType" };
  mirror.registry.fault = answering(
    { [`/referrers/${digest}?artifactType=a%2Fb`]: index },
    filtered,
  );
  const answer = await mirror.get(`/v2/app/referrers/${digest}?artifactType=a/b`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["content-type"], mediaTypes.ociIndex);
  assert.equal(answer.headers["oci-filters-applied"], "artifactType");
  assert.deepEqual(JSON.parse(answer.body.toString()), index);
});

test("referrers are those of the tag that stands in, and else none", async (t) => {
  const mirror = await MirrorNode.open(t);
  const path = `/v2/app/referrers/${digest}`;
  const none = await mirror.get(path);
  assert.equal(none.status, 200);
  assert.deepEqual((JSON.parse(none.body.toString()) as { manifests: unknown }).manifests, []);
  const { manifest } = mirror.registry.addImage([layer]);
  mirror.registry.addIndex([{ descriptor: manifest }], `app:${digest.replace(":", "-")}`);
  const found = JSON.parse((await mirror.get(path)).body.toString()) as {
    manifests: { digest: string }[];
  };
  assert.deepEqual(
    found.manifests.map((one) => one.digest),
    [manifest.digest],
  );
});
