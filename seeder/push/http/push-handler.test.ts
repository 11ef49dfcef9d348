import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";

import { digestOf } from "../../../core/digest.ts";
import { takeWrites } from "../../../core/testing/fake-registry-writes.ts";
import { bytesOf, openRegistry } from "../../open-test-seeder.test-support.ts";
import {
  atRegistry,
  beginUpload,
  codesOf,
  openPushBench,
  settled,
} from "../push-bench.test-support.ts";

const layer = bytesOf(300_000, "layer");
const digest = digestOf(layer);
const uploads = "pond/fish/blobs/uploads/";

test("a seeder says that it is a registry", async (t) => {
  const { send } = await openPushBench(t);
  const answer = await send("");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("docker-distribution-api-version"), "registry/2.0");
  assert.deepEqual(await answer.json(), {});
});

test("what is not HTTP, or has too long a header, is refused in the API's own words", async (t) => {
  const { seeder } = await openPushBench(t);
  const answerTo = async (request: string) => {
    const socket = createConnection(seeder.http.port, "127.0.0.1");
    socket.write(request);
    return text(socket);
  };
  const garbage = await answerTo("what is this\r\n\r\n");
  assert.match(garbage, /^HTTP\/1\.1 400 [^]*registry\/2\.0[^]*"errors"/);
  const header = `X-Long: ${"a".repeat(20_000)}`;
  const long = await answerTo(`GET /v2/ HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`);
  assert.match(long, /^HTTP\/1\.1 431 [^]*"errors"/);
});

test("hostile and malformed requests are refused in the API's own words", async (t) => {
  const bench = await openPushBench(t);
  const path = await beginUpload(bench);
  const range = (text: string, length = 5) => ({
    ...{ method: "PATCH", headers: { "content-range": text } },
    body: Buffer.alloc(length),
  });
  const cases: readonly [path: string, init: RequestInit, status: number, code: string][] = [
    ["Pond/fish/blobs/uploads/", { method: "POST" }, 400, "NAME_INVALID"],
    ["pond/..%2ffish/blobs/uploads/", { method: "POST" }, 400, "NAME_INVALID"],
    [`${"a".repeat(300)}/blobs/uploads/`, { method: "POST" }, 400, "NAME_INVALID"],
    ["pond/fish/manifests/.x", { method: "PUT", body: "{}" }, 400, "TAG_INVALID"],
    ["pond/fish/blobs/sha256:00", {}, 400, "DIGEST_INVALID"],
    [`${uploads}?digest=md5:1`, { method: "POST" }, 400, "DIGEST_INVALID"],
    [path, { method: "PUT" }, 400, "DIGEST_INVALID"],
    [`${path}?digest=x`, { method: "PUT" }, 400, "DIGEST_INVALID"],
    [path, range("bytes=0-4"), 416, "RANGE_INVALID"],
    [path, range("4-0"), 416, "RANGE_INVALID"],
    [path, range("-5"), 416, "RANGE_INVALID"],
    [path, range("0-9"), 400, "SIZE_INVALID"],
    [`${uploads}?ns=elsewhere.example`, { method: "POST" }, 403, "DENIED"],
    [path, { method: "POST" }, 405, "UNSUPPORTED"],
    [uploads, { method: "PUT" }, 405, "UNSUPPORTED"],
    ["pond/fish/manifests/1", { method: "DELETE" }, 405, "UNSUPPORTED"],
    [`pond/fish/manifests/${digest}`, { method: "DELETE" }, 405, "UNSUPPORTED"],
    [`pond/fish/blobs/${digest}`, { method: "DELETE" }, 405, "UNSUPPORTED"],
    ["pond/fish/tags/list", { method: "POST" }, 405, "UNSUPPORTED"],
    [`pond/fish/referrers/${digest}`, {}, 404, "UNSUPPORTED"],
    ["pond/fish/tags/list?n=x", {}, 400, "PAGINATION_NUMBER_INVALID"],
    [`pond/fish/blobs/${digest}`, {}, 404, "BLOB_UNKNOWN"],
    ["pond/fish/manifests/none", {}, 404, "MANIFEST_UNKNOWN"],
    ["_catalog", {}, 404, "NAME_UNKNOWN"],
  ];
  for (const [where, init, status, code] of cases) {
    const answer = await bench.send(where, init);
    assert.deepEqual(
      [answer.status, await codesOf(answer)],
      [status, code],
      `${init.method} ${where}`,
    );
  }
  assert.equal((await bench.send(path)).headers.get("range"), "0-0");
});

test("what does not fit is refused, and leaves room for what does", async (t) => {
  const bench = await openPushBench(t, { store: { budgetBytes: 500_000 } });
  const tooLong = await bench.pushBlob(bytesOf(600_000, "long"));
  assert.equal(tooLong.status, 507);
  assert.equal(await codesOf(tooLong), "UNKNOWN");
  bench.writes.refusals.set("uploads", 500);
  assert.equal((await bench.pushBlob(layer)).status, 201);
  // The first one must stay until the registry has it.
  assert.equal((await bench.pushBlob(bytesOf(300_000, "second"))).status, 507);
  assert.equal((await bench.send(`pond/fish/blobs/${digest}`, { method: "HEAD" })).status, 200);
});

test("uploads and pushes that wait are bounded", async (t) => {
  const bench = await openPushBench(t, { push: { uploadsMax: 2, pushesMax: 10 } });
  const [first] = await Promise.all([beginUpload(bench), beginUpload(bench)]);
  const third = await bench.send(uploads, { method: "POST" });
  assert.equal(third.status, 429);
  assert.equal(await codesOf(third), "TOOMANYREQUESTS");
  await bench.send(first, { method: "DELETE" });
  bench.writes.refusals.set("uploads", 503);
  const statuses: number[] = [];
  for (let count = 0; count < 11; count++) {
    statuses.push((await bench.pushBlob(Buffer.from(String(count)))).status);
  }
  assert.deepEqual(statuses, [...Array<number>(10).fill(201), 503]);
});

test("a client may name another of the registries", async (t) => {
  const other = await openRegistry(t);
  takeWrites(other);
  const registry = await openRegistry(t);
  const origins = [registry, other].map(({ host }) => ({ kind: "registry", host }));
  const bench = await openPushBench(t, { registry, config: { origins } });
  const begun = await bench.send(`${uploads}?ns=${other.host}`, { method: "POST" });
  assert.equal(begun.status, 202);
  // What an upload is for was said when it began.
  const path = (begun.headers.get("location") ?? "").slice("/v2/".length);
  const put = { method: "PUT", body: layer };
  assert.equal((await bench.send(`${path}?digest=${digest}`, put)).status, 201);
  await settled(bench);
  assert.equal((await atRegistry(other, `pond/fish/blobs/${digest}`)).status, 200);
  assert.equal((await atRegistry(registry, `pond/fish/blobs/${digest}`)).status, 404);
});
