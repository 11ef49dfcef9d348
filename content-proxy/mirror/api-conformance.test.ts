import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../../core/digest.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { MirrorNode } from "./mirror-node.test-support.ts";

// The checks of the conformance suite of the OCI distribution-spec 1.1 for pull and for content
// discovery, by its names; docs/conformance.md lists them.

const layer = Buffer.from("a layer");
const digest = digestOf(layer);
const missing = digestOf(Buffer.from("nobody has this"));
const headers = { accept: mediaTypes.ociManifest };

test("Pull blobs", async (t) => {
  const mirror = await MirrorNode.open(t);
  await mirror.node.write(layer, "pull");
  for (const method of ["HEAD", "GET"]) {
    // … request to nonexistent blob should result in 404 response
    const none = await mirror.get(`/v2/app/blobs/${missing}`, { method });
    assert.equal(none.status, 404, method);
    // … request to existing blob should yield 200
    const found = await mirror.get(`/v2/app/blobs/${digest}`, { method });
    assert.equal(found.status, 200, method);
    assert.equal(found.headers["docker-content-digest"], digest);
    assert.equal(found.headers["content-length"], String(layer.length));
  }
});

test("Pull manifests", async (t) => {
  const mirror = await MirrorNode.open(t);
  const { manifest } = mirror.registry.addImage([layer], "app:1");
  for (const method of ["HEAD", "GET"]) {
    // … nonexistent manifest should return 404
    for (const name of ["none", missing]) {
      const none = await mirror.get(`/v2/app/manifests/${name}`, { method, headers });
      assert.equal(none.status, 404, `${method} ${name}`);
    }
    // … request to manifest path (digest), (tag) should yield 200 response
    for (const name of [manifest.digest, "1"]) {
      const found = await mirror.get(`/v2/app/manifests/${name}`, { method, headers });
      assert.equal(found.status, 200, `${method} ${name}`);
      assert.equal(found.headers["docker-content-digest"], manifest.digest);
      assert.equal(found.headers["content-type"], mediaTypes.ociManifest);
    }
  }
});

test("Error codes: 400 response body should contain OCI-conforming JSON message", async (t) => {
  const mirror = await MirrorNode.open(t);
  const { status, headers: head, body } = await mirror.get("/v2/app/blobs/sha256:totallywrong");
  assert.deepEqual([status, head["content-type"]], [400, "application/json"]);
  const { errors } = JSON.parse(body.toString()) as { errors: { code: string }[] };
  assert.equal(errors[0]?.code, "DIGEST_INVALID");
});

test("Content discovery: listing tags", async (t) => {
  const mirror = await MirrorNode.open(t);
  const tags = ["test0", "test1", "test2", "test3"];
  // A registry that cuts nothing by itself.
  mirror.registry.fault = ({ url = "" }, response) => {
    if (url.includes("/tags/list")) response.end(JSON.stringify({ name: "app", tags }));
    return url.includes("/tags/list");
  };
  const tagsAt = async (query: string) => {
    const { status, body } = await mirror.get(`/v2/app/tags/list${query}`);
    assert.equal(status, 200);
    return (JSON.parse(body.toString()) as { tags: string[] }).tags;
  };
  // GET request to list tags should yield 200 response
  assert.deepEqual(await tagsAt(""), tags);
  // GET number of tags should be limitable by `n` query parameter
  assert.deepEqual(await tagsAt("?n=2"), ["test0", "test1"]);
  // GET start of tag is set by `last` query parameter
  assert.deepEqual(await tagsAt("?n=2&last=test1"), ["test2", "test3"]);
});

test("Content discovery: listing references", async (t) => {
  const mirror = await MirrorNode.open(t);
  const { manifest } = mirror.registry.addImage([layer], "app:1");
  const entries = ["a/a", "b/b"].map((artifactType) => ({
    ...{ mediaType: mediaTypes.ociManifest, digest: manifest.digest, size: manifest.size },
    ...{ artifactType, annotations: { "org.example/test": artifactType } },
  }));
  const referrersOf = async (subject: string, query = "") => {
    const answer = await mirror.get(`/v2/app/referrers/${subject}${query}`);
    assert.deepEqual([answer.status, answer.headers["content-type"]], [200, mediaTypes.ociIndex]);
    return (JSON.parse(answer.body.toString()) as { manifests: unknown[] }).manifests;
  };
  // GET request to nonexistent blob should result in empty 200 response
  assert.deepEqual(await referrersOf(missing), []);
  mirror.registry.fault = ({ url = "" }, response) => {
    if (!url.includes(`/referrers/${digest}`)) return false;
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: entries };
    response.writeHead(200, { "content-type": mediaTypes.ociIndex }).end(JSON.stringify(index));
    return true;
  };
  // GET request to existing blob, and to missing manifest, should yield 200
  assert.deepEqual(await referrersOf(digest), entries);
  // GET request to existing blob with filter should yield 200: all, where none was applied
  const found = await referrersOf(digest, "?artifactType=a%2Fa");
  assert.ok(found.length === 1 || found.length === 2);
  assert.deepEqual(found[0], entries[0]);
});
