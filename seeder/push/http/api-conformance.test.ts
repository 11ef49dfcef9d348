import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../../../core/digest.ts";
import { mediaTypes } from "../../../core/media-type.ts";
import { bytesOf } from "../../open-test-seeder.test-support.ts";
import {
  type PushBench,
  beginUpload,
  codesOf,
  imageOf,
  openPushBench,
} from "../push-bench.test-support.ts";

// The checks of the conformance suite of the OCI distribution-spec 1.1 for push and for tags, by
// its names; docs/conformance.md lists them.

const blob = bytesOf(10_000, "blob");
const digest = digestOf(blob);
const half = blob.length / 2;
const missing = digestOf(Buffer.from("nobody has this"));
const emptyJson = Buffer.from("{}");
const headers = { "content-type": mediaTypes.ociManifest };

/** A part of the blob, as one step of a chunked upload. */
function chunk(method: string, start: number, end: number): RequestInit {
  const range = { "content-range": `${start}-${end - 1}` };
  return { method, headers: range, body: blob.subarray(start, end) };
}

/** Asserts the status of an answer; gives where it says that the thing is, below `/v2/`. */
function placeIn(answer: Response, status: number): string {
  assert.equal(answer.status, status);
  const location = answer.headers.get("location") ?? "";
  assert.match(location, /^\/v2\/./);
  return location.slice("/v2/".length);
}

async function statusOf({ send }: PushBench, path: string, init?: RequestInit): Promise<number> {
  return (await send(path, init)).status;
}

test("Blob Upload Streamed", async (t) => {
  const bench = await openPushBench(t);
  const { send } = bench;
  const upload = await beginUpload(bench);
  // PATCH request with blob in body should yield 202 response
  const next = placeIn(await send(upload, { method: "PATCH", body: blob }), 202);
  // PUT request to session URL with digest should yield 201 response
  const place = placeIn(await send(`${next}?digest=${digest}`, { method: "PUT" }), 201);
  assert.equal(await statusOf(bench, place), 200);
});

test("Blob Upload Monolithic", async (t) => {
  const bench = await openPushBench(t);
  const { send } = bench;
  // GET nonexistent blob should result in 404 response
  assert.equal(await statusOf(bench, `pond/fish/blobs/${missing}`), 404);
  // POST request with digest and blob should yield a 201 or 202
  const atOnce = await send(`pond/fish/blobs/uploads/?digest=${digest}`, {
    ...{ method: "POST", body: blob },
  });
  // GET request to blob URL from prior request should yield 200
  assert.equal(await statusOf(bench, placeIn(atOnce, 201)), 200);
  // POST request should yield a session ID; PUT upload of a blob should yield a 201 Response
  const other = bytesOf(5000, "other");
  const upload = await beginUpload(bench);
  const put = { method: "PUT", body: other };
  placeIn(await send(`${upload}?digest=${digestOf(other)}`, put), 201);
  // GET request to existing blob should yield 200 response
  assert.equal(await statusOf(bench, `pond/fish/blobs/${digestOf(other)}`), 200);
});

test("Blob Upload Chunked", async (t) => {
  const bench = await openPushBench(t);
  const { send } = bench;
  const upload = await beginUpload(bench);
  // Out-of-order blob upload should return 416
  assert.equal(await statusOf(bench, upload, chunk("PATCH", half, blob.length)), 416);
  // PATCH request with first chunk should return 202
  const first = await send(upload, chunk("PATCH", 0, half));
  const next = placeIn(first, 202);
  assert.equal(first.headers.get("range"), `0-${half - 1}`);
  // Retry previous blob chunk should return 416
  assert.equal(await statusOf(bench, next, chunk("PATCH", 0, half)), 416);
  // Get on stale blob upload should return 204 with a range and location
  const stale = await send(next);
  assert.equal(placeIn(stale, 204), next);
  assert.equal(stale.headers.get("range"), `0-${half - 1}`);
  // PATCH request with second chunk should return 202
  const last = placeIn(await send(next, chunk("PATCH", half, blob.length)), 202);
  // PUT request with digest should return 201
  placeIn(await send(`${last}?digest=${digest}`, { method: "PUT" }), 201);
});

test("Blob Upload Chunked: PUT request with final chunk should return 201", async (t) => {
  const bench = await openPushBench(t);
  const upload = await beginUpload(bench);
  const next = placeIn(await bench.send(upload, chunk("PATCH", 0, half)), 202);
  const last = chunk("PUT", half, blob.length);
  placeIn(await bench.send(`${next}?digest=${digest}`, last), 201);
});

test("Cross-Repository Blob Mount", async (t) => {
  const bench = await openPushBench(t);
  await bench.pushBlob(blob, "pond/frog");
  const mount = async (query: string) =>
    bench.send(`pond/fish/blobs/uploads/?${query}`, { method: "POST" });
  // Cross-mounting of nonexistent blob should yield session id
  const unknown = placeIn(await mount(`mount=${missing}&from=pond/frog`), 202);
  assert.match(unknown, /^pond\/fish\/blobs\/uploads\//);
  // POST request to mount another repository's blob should return 201 or 202
  const place = placeIn(await mount(`mount=${digest}&from=pond/frog`), 201);
  // GET request to test digest within cross-mount namespace should return 200
  assert.equal(place, `pond/fish/blobs/${digest}`);
  assert.equal(await statusOf(bench, place), 200);
});

test("Cross-mounting of a blob without the from argument should yield session id", async (t) => {
  const bench = await openPushBench(t);
  const query = `mount=${missing}`;
  const answer = await bench.send(`pond/fish/blobs/uploads/?${query}`, { method: "POST" });
  assert.match(placeIn(answer, 202), /^pond\/fish\/blobs\/uploads\//);
});

test("Manifest Upload", async (t) => {
  const bench = await openPushBench(t);
  const put = async (name: string, body: Buffer) =>
    bench.send(`pond/fish/manifests/${name}`, { method: "PUT", body, headers });
  // GET nonexistent manifest should return 404
  assert.equal(await statusOf(bench, `pond/fish/manifests/${missing}`), 404);
  // PUT should accept a manifest upload
  const { bytes, config } = imageOf([blob]);
  for (const part of [config, blob]) await bench.pushBlob(part);
  for (const tag of ["test0", "test1", "test2", "test3"]) placeIn(await put(tag, bytes), 201);
  // Registry should accept a manifest upload with no layers
  const bare = imageOf([]);
  await bench.pushBlob(bare.config);
  placeIn(await put("emptylayer", bare.bytes), 201);
  // GET request to manifest URL (digest) should yield 200 response
  assert.equal(await statusOf(bench, `pond/fish/manifests/${digestOf(bytes)}`), 200);
});

test("Manifest Upload: artifacts, indexes, and subjects that are not there", async (t) => {
  const bench = await openPushBench(t);
  await bench.pushBlob(emptyJson);
  const put = async (document: { readonly mediaType: string }) => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, ...document }));
    const digest = digestOf(bytes);
    const type = { "content-type": document.mediaType };
    const init = { method: "PUT", body: bytes, headers: type };
    const answer = await bench.send(`pond/fish/manifests/${digest}`, init);
    placeIn(answer, 201);
    assert.equal(await statusOf(bench, `pond/fish/manifests/${digest}`), 200);
    return { answer, entry: { mediaType: document.mediaType, digest, size: bytes.length } };
  };
  const mediaType = mediaTypes.ociManifest;
  const none = { digest: digestOf(emptyJson), size: emptyJson.length };
  const config = { mediaType: "application/vnd.oci.empty.v1+json", ...none };
  const layers = [config];
  // Registry should accept a manifest upload with custom config/mediaType (as artifact type)
  await put({ mediaType, ...{ config: { ...config, mediaType: "application/vnd.a" }, layers } });
  // Registry should accept a manifest upload with custom artifactType
  const artifact = { mediaType, artifactType: "application/vnd.b", config, layers };
  const { entry } = await put(artifact);
  // Registry should accept a manifest upload with image index, with nested image index
  const index = { mediaType: mediaTypes.ociIndex, artifactType: "application/vnd.c" };
  const inner = await put({ ...index, ...{ manifests: [entry] } });
  await put({ ...index, ...{ manifests: [inner.entry] } });
  // Dangling subject: taken, but the seeder is no registry that lists referrers.
  const subject = { ...entry, digest: missing };
  const { answer } = await put({ ...artifact, ...{ subject } });
  assert.equal(answer.headers.get("oci-subject"), null);
});

test("Error codes: 400 response body should contain OCI-conforming JSON message", async (t) => {
  const bench = await openPushBench(t);
  const init = { method: "PUT", body: "blablabla", headers };
  const answer = await bench.send("pond/fish/manifests/sha256:totallywrong", init);
  assert.equal(answer.status, 400);
  assert.match(await codesOf(answer), /^(?:DIGEST|MANIFEST|NAME|TAG)_INVALID$/);
});

test("Content discovery: listing tags", async (t) => {
  const bench = await openPushBench(t);
  // The fake registry lists no tags: here are those that it does not know yet.
  bench.writes.refusals.set("uploads", 500);
  const { bytes, config } = imageOf([blob]);
  for (const part of [config, blob]) await bench.pushBlob(part);
  for (const tag of ["test3", "test1", "test0", "test2"]) {
    const init = { method: "PUT", body: bytes, headers };
    assert.equal(await statusOf(bench, `pond/fish/manifests/${tag}`, init), 201);
  }
  const tagsAt = async (query: string) => {
    const answer = await bench.send(`pond/fish/tags/list${query}`);
    assert.equal(answer.status, 200);
    return ((await answer.json()) as { tags: string[] }).tags;
  };
  // GET request to list tags should yield 200 response
  assert.deepEqual(await tagsAt(""), ["test0", "test1", "test2", "test3"]);
  // GET number of tags should be limitable by `n` query parameter
  assert.deepEqual(await tagsAt("?n=2"), ["test0", "test1"]);
  // GET start of tag is set by `last` query parameter
  assert.deepEqual(await tagsAt("?n=2&last=test1"), ["test2", "test3"]);
});
