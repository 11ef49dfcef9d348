import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { digestOf } from "../../../core/digest.ts";
import { mediaTypes } from "../../../core/media-type.ts";
import { bytesOf } from "../../open-test-seeder.test-support.ts";
import {
  type PushBench,
  codesOf,
  imageOf,
  openPushBench,
  settled,
} from "../push-bench.test-support.ts";

const layer = bytesOf(300_000, "layer");
const digest = digestOf(layer);
const uploads = "pond/fish/blobs/uploads/";

/** Begins an upload; gives its path below `/v2/`. */
async function begin({ send }: PushBench, query = ""): Promise<string> {
  const answer = await send(uploads + query, { method: "POST" });
  assert.equal(answer.status, 202);
  assert.equal(answer.headers.get("range"), "0-0");
  assert.ok(answer.headers.get("docker-upload-uuid"));
  const location = answer.headers.get("location") ?? "";
  assert.match(location, /^\/v2\/pond\/fish\/blobs\/uploads\/[0-9a-f-]+$/);
  return location.slice("/v2/".length);
}

function chunk(start: number, end: number): RequestInit {
  const headers = { "content-range": `${start}-${end - 1}` };
  return { method: "PATCH", headers, body: layer.subarray(start, end) };
}

test("a seeder says that it is a registry", async (t) => {
  const { send } = await openPushBench(t);
  const answer = await send("");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("docker-distribution-api-version"), "registry/2.0");
  assert.deepEqual(await answer.json(), {});
});

test("a blob comes in chunks, in their order, and the seeder tells how far it is", async (t) => {
  const bench = await openPushBench(t);
  const { send } = bench;
  const path = await begin(bench);
  assert.equal((await send(path, chunk(0, 100_000))).headers.get("range"), "0-99999");
  for (const wrong of [chunk(0, 100_000), chunk(100_001, 200_000), chunk(99_999, 200_000)]) {
    const answer = await send(path, wrong);
    assert.equal(answer.status, 416);
    assert.equal(answer.headers.get("range"), "0-99999");
    assert.equal(answer.headers.get("location"), `/v2/${path}`);
  }
  const second = await send(path, chunk(100_000, 200_000));
  assert.equal(second.status, 202);
  const status = await send(path);
  assert.equal(status.status, 204);
  assert.equal(status.headers.get("range"), "0-199999");
  const last = await send(`${path}?digest=${digest}`, {
    ...chunk(200_000, 300_000),
    method: "PUT",
  });
  assert.equal(last.status, 201);
  assert.equal(last.headers.get("location"), `/v2/pond/fish/blobs/${digest}`);
  assert.equal(last.headers.get("docker-content-digest"), digest);
  assert.equal((await send(path)).status, 404);
});

test("a blob comes in one stream of unknown length, or with the last request", async (t) => {
  const bench = await openPushBench(t);
  const { send } = bench;
  async function* stream() {
    for (let start = 0; start < layer.length; start += 70_000) {
      yield layer.subarray(start, start + 70_000);
    }
  }
  const streamed = await begin(bench);
  const body = ReadableStream.from(stream());
  assert.equal((await send(streamed, { method: "PATCH", body, duplex: "half" })).status, 202);
  assert.equal((await send(`${streamed}?digest=${digest}`, { method: "PUT" })).status, 201);
  const other = bytesOf(200_000, "other");
  const whole = await begin(bench);
  const put = { method: "PUT", body: other };
  assert.equal((await send(`${whole}?digest=${digestOf(other)}`, put)).status, 201);
  const third = bytesOf(100_000, "third");
  assert.equal((await bench.pushBlob(third)).status, 201);
  for (const bytes of [layer, other, third]) {
    const got = await send(`pond/fish/blobs/${digestOf(bytes)}`);
    assert.deepEqual(Buffer.from(await got.arrayBuffer()), bytes);
    // Its pieces were hashed, so that nodes can take it.
    const metainfo = await fetch(`${bench.url}/v1/metainfo/${digestOf(bytes)}`);
    assert.equal(metainfo.status, 200);
  }
});

test("an empty blob is a blob", async (t) => {
  const bench = await openPushBench(t);
  const empty = Buffer.alloc(0);
  const path = await begin(bench);
  const answer = await bench.send(`${path}?digest=${digestOf(empty)}`, { method: "PUT" });
  assert.equal(answer.status, 201, await answer.text());
  const head = await bench.send(`pond/fish/blobs/${digestOf(empty)}`, { method: "HEAD" });
  assert.equal(head.headers.get("content-length"), "0");
  await settled(bench);
});

test("a blob of another digest is refused, and nothing of it stays", async (t) => {
  const bench = await openPushBench(t);
  const { send } = bench;
  const wrong = digestOf(Buffer.from("another"));
  const path = await begin(bench);
  const answer = await send(`${path}?digest=${wrong}`, { method: "PUT", body: layer });
  assert.equal(answer.status, 400);
  assert.equal(await codesOf(answer), "DIGEST_INVALID");
  assert.equal((await send(path)).status, 404);
  for (const one of [wrong, digest]) {
    assert.equal((await send(`pond/fish/blobs/${one}`, { method: "HEAD" })).status, 404);
  }
  const atOnce = await send(`${uploads}?digest=${wrong}`, { method: "POST", body: layer });
  assert.equal(await codesOf(atOnce), "DIGEST_INVALID");
  assert.equal((await bench.pushes()).uploads, 0);
});

test("an upload that is cancelled is unknown, as one that never was and one of elsewhere", async (t) => {
  const bench = await openPushBench(t);
  const { send } = bench;
  const path = await begin(bench);
  const [id = ""] = path.split("/").slice(-1);
  const elsewhere = await send(`pond/frog/blobs/uploads/${id}`);
  assert.equal(await codesOf(elsewhere), "BLOB_UPLOAD_UNKNOWN");
  await send(path, chunk(0, 10));
  assert.equal((await send(path, { method: "DELETE" })).status, 204);
  for (const method of ["GET", "PATCH", "PUT", "DELETE"]) {
    const answer = await send(`${path}?digest=${digest}`, { method });
    assert.equal(answer.status, 404);
    if (method !== "HEAD") assert.equal(await codesOf(answer), "BLOB_UPLOAD_UNKNOWN");
  }
});

test("a client that dies in the middle goes on where it was", async (t) => {
  const bench = await openPushBench(t);
  const path = await begin(bench);
  const socket = connect(bench.seeder.http.port, "127.0.0.1");
  const head = `PATCH /v2/${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${layer.length}\r\n\r\n`;
  socket.write(head);
  socket.write(layer.subarray(0, 150_000));
  const rangeNow = async () => (await bench.send(path)).headers.get("range");
  while ((await rangeNow()) !== "0-149999") await sleep(5);
  socket.destroy();
  await once(socket, "close");
  const rest = () =>
    bench.send(`${path}?digest=${digest}`, { ...chunk(150_000, 300_000), method: "PUT" });
  let answer = await rest();
  // The seeder may notice a little later that the other one is gone.
  while (answer.status === 409) answer = await rest();
  assert.equal(answer.status, 201);
});

test("two uploads of the same blob at once are both taken", async (t) => {
  const bench = await openPushBench(t);
  const answers = await Promise.all([bench.pushBlob(layer), bench.pushBlob(layer)]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 201],
  );
});

test("a blob that is here is taken over from another repository, one that is not is uploaded", async (t) => {
  const bench = await openPushBench(t);
  await bench.pushBlob(layer, "pond/frog");
  const mount = async (query: string) => bench.send(`${uploads}?${query}`, { method: "POST" });
  assert.equal((await mount(`mount=${digest}&from=pond/frog`)).status, 201);
  const other = digestOf(Buffer.from("other"));
  for (const query of [`mount=${other}&from=pond/frog`, `mount=${other}`, "mount=x&from=../.."]) {
    const answer = await mount(query);
    assert.equal(answer.status, 202, query);
    assert.ok(answer.headers.get("location"));
  }
});

test("a blob that only the registry has is taken over there", async (t) => {
  const bench = await openPushBench(t);
  bench.registry.addBlob(layer);
  const mount = async () =>
    bench.send(`${uploads}?mount=${digest}&from=pond/frog`, { method: "POST" });
  assert.equal((await mount()).status, 202);
  bench.writes.mounts = true;
  assert.equal((await mount()).status, 201);
  assert.equal((await bench.pushes()).waiting, 0);
});

test("a manifest is taken once all is there that it names", async (t) => {
  const bench = await openPushBench(t);
  const { send } = bench;
  const { bytes, config } = imageOf([layer]);
  const headers = { "content-type": mediaTypes.ociManifest };
  const put = async (name: string, body = bytes) =>
    send(`pond/fish/manifests/${name}`, { method: "PUT", body, headers });
  await bench.pushBlob(layer);
  const early = await put("1");
  assert.equal(early.status, 404);
  assert.equal(await codesOf(early), "MANIFEST_BLOB_UNKNOWN");
  assert.equal((await send("pond/fish/manifests/1")).status, 404);
  // What the registry has need not be pushed.
  bench.registry.addBlob(config);
  const answer = await put("1");
  assert.equal(answer.status, 201, await answer.text());
  assert.equal(answer.headers.get("location"), `/v2/pond/fish/manifests/${digestOf(bytes)}`);
  assert.equal(answer.headers.get("oci-subject"), null);
  for (const name of ["1", digestOf(bytes)]) {
    const got = await send(`pond/fish/manifests/${name}`);
    assert.equal(got.headers.get("content-type"), mediaTypes.ociManifest);
    assert.equal(got.headers.get("docker-content-digest"), digestOf(bytes));
    assert.equal(await got.text(), bytes.toString());
    const head = await send(`pond/fish/manifests/${name}`, { method: "HEAD" });
    assert.equal(head.headers.get("content-length"), String(bytes.length));
  }
  assert.equal((await put(digestOf(bytes))).status, 201);
  const wrong = await put(digestOf(Buffer.from("another")));
  assert.equal(await codesOf(wrong), "DIGEST_INVALID");
});

test("an index is taken once its manifests are there", async (t) => {
  const bench = await openPushBench(t);
  const { manifest } = await bench.pushImage([layer], "pond/fish:amd64");
  const index = (named: object) =>
    Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [named] }),
    );
  const headers = { "content-type": mediaTypes.ociIndex };
  const put = async (body: Buffer) =>
    bench.send("pond/fish/manifests/all", { method: "PUT", body, headers });
  const entry = { ...manifest, mediaType: mediaTypes.ociManifest };
  const unknown = await put(index({ ...entry, digest: digestOf(Buffer.from("x")) }));
  assert.equal(await codesOf(unknown), "MANIFEST_BLOB_UNKNOWN");
  const lying = await put(index({ ...entry, size: 5 }));
  assert.equal(await codesOf(lying), "MANIFEST_INVALID");
  assert.equal((await put(index(entry))).status, 201);
  await settled(bench);
});

test("what is no manifest is refused", async (t) => {
  const bench = await openPushBench(t);
  const cases: readonly [body: string, contentType: string, status: number][] = [
    ["", mediaTypes.ociManifest, 400],
    ["no JSON", mediaTypes.ociManifest, 400],
    ["[]", mediaTypes.ociManifest, 400],
    ["{}", mediaTypes.ociManifest, 400],
    ['{"schemaVersion":1}', "application/vnd.docker.distribution.manifest.v1+json", 400],
    [`{"mediaType":"${mediaTypes.ociIndex}","manifests":[]}`, mediaTypes.ociManifest, 400],
    ['{"config":{"digest":"sha256:..","size":1},"layers":[]}', mediaTypes.ociManifest, 400],
    [" ".repeat(4 * 1024 * 1024 + 1), mediaTypes.ociManifest, 413],
  ];
  for (const [body, contentType, status] of cases) {
    const headers = { "content-type": contentType };
    const answer = await bench.send("pond/fish/manifests/1", { method: "PUT", body, headers });
    assert.equal(answer.status, status, body.slice(0, 50));
    assert.equal(await codesOf(answer), "MANIFEST_INVALID");
  }
});

test("hostile and malformed requests are refused in the API's own words", async (t) => {
  const bench = await openPushBench(t);
  const path = await begin(bench);
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
  const [first] = await Promise.all([begin(bench), begin(bench)]);
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

test("tags of the registry and those that it does not know yet are one list", async (t) => {
  const bench = await openPushBench(t);
  bench.writes.refusals.set("uploads", 500);
  await bench.pushImage([layer], "pond/fish:b");
  assert.deepEqual(await (await bench.send("pond/fish/tags/list")).json(), {
    ...{ name: "pond/fish", tags: ["b"] },
  });
  const { fault } = bench.registry;
  bench.registry.fault = (request, response) => {
    if (request.url?.includes("/tags/list") !== true) return fault(request, response);
    response.end(JSON.stringify({ name: "pond/fish", tags: ["a", "c", "b"] }));
    return true;
  };
  const page = await bench.send("pond/fish/tags/list?n=2");
  assert.deepEqual(await page.json(), { name: "pond/fish", tags: ["a", "b"] });
  assert.equal(page.headers.get("link"), '</v2/pond/fish/tags/list?n=2&last=b>; rel="next"');
  const next = await bench.send("pond/fish/tags/list?n=2&last=b");
  assert.deepEqual(await next.json(), { name: "pond/fish", tags: ["c"] });
  assert.equal(next.headers.get("link"), null);
});
