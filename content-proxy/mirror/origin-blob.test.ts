import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { digestOf } from "../../core/digest.ts";
import { blobFixture } from "../../core/testing/blob-fixture.ts";
import { MirrorNode } from "./mirror-node.test-support.ts";

const { bytes, digest } = blobFixture(1_500_000);

/** A registry that has the blob, and a mirror whose swarm has not. */
async function openMirror(t: TestContext): Promise<{ mirror: MirrorNode; path: string }> {
  const mirror = await MirrorNode.open(t);
  mirror.registry.addBlob(bytes);
  return { mirror, path: `/v2/${mirror.registry.host}/app/blobs/${digest}` };
}

test("a client that does not go on to the registry is given what only the registry has", async (t) => {
  const { mirror, path } = await openMirror(t);
  const { status, headers, body } = await mirror.get(path, { bare: true });
  assert.deepEqual([status, digestOf(body)], [200, digest]);
  assert.equal(headers["content-length"], String(bytes.length));
  const head = await mirror.get(path, { bare: true, method: "HEAD" });
  assert.deepEqual([head.status, head.headers["content-length"]], [200, String(bytes.length)]);
});

test("one that does, as containerd, is not", async (t) => {
  const { mirror } = await openMirror(t);
  assert.equal((await mirror.get(`/v2/app/blobs/${digest}`)).status, 404);
  assert.deepEqual(mirror.registry.requestsFor("/blobs/"), []);
});

test("ranges of it are given", async (t) => {
  const { mirror, path } = await openMirror(t);
  const ranges = { "bytes=1000000-": [1_000_000, bytes.length], "bytes=5-9": [5, 10] };
  for (const [range, [start, end]] of Object.entries(ranges)) {
    const { status, body } = await mirror.get(path, { bare: true, headers: { range } });
    assert.equal(status, 206);
    assert.deepEqual(body, Buffer.from(bytes.subarray(start, end)));
  }
  const several = await mirror.get(path, { bare: true, headers: { range: "bytes=0-1,9-9" } });
  assert.match(several.headers["content-type"] ?? "", /^multipart\/byteranges/);
});

test("what the registry does not have either is not found", async (t) => {
  const { mirror } = await openMirror(t);
  const path = `/v2/${mirror.registry.host}/app/blobs/${digestOf(Buffer.from("x"))}`;
  assert.equal((await mirror.get(path, { bare: true })).status, 404);
  assert.equal((await mirror.get(path, { bare: true, method: "HEAD" })).status, 404);
});

test("the end of a blob that is another is not given", async (t) => {
  const { mirror, path } = await openMirror(t);
  const other = Buffer.from(bytes).fill(0, 1_000_000);
  mirror.registry.fault = ({ method, url }, response) => {
    if (method !== "GET" || url?.includes("/blobs/") !== true) return false;
    response.writeHead(200, { "content-length": other.length }).end(other);
    return true;
  };
  const { status, body, isComplete } = await mirror.get(path, { bare: true });
  assert.deepEqual([status, isComplete], [200, false]);
  assert.ok(body.length < bytes.length);
});
