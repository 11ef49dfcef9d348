import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { digestOf } from "../../../core/digest.ts";
import { bytesOf } from "../../open-test-seeder.test-support.ts";
import { beginUpload, codesOf, openPushBench, settled } from "../push-bench.test-support.ts";

const layer = bytesOf(300_000, "layer");
const digest = digestOf(layer);
const uploads = "pond/fish/blobs/uploads/";

function chunk(start: number, end: number): RequestInit {
  const headers = { "content-range": `${start}-${end - 1}` };
  return { method: "PATCH", headers, body: layer.subarray(start, end) };
}

test("a blob comes in chunks, in their order, and the seeder tells how far it is", async (t) => {
  const bench = await openPushBench(t);
  const { send } = bench;
  const path = await beginUpload(bench);
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
  const streamed = await beginUpload(bench);
  const body = ReadableStream.from(stream());
  assert.equal((await send(streamed, { method: "PATCH", body, duplex: "half" })).status, 202);
  assert.equal((await send(`${streamed}?digest=${digest}`, { method: "PUT" })).status, 201);
  const other = bytesOf(200_000, "other");
  const whole = await beginUpload(bench);
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
  const path = await beginUpload(bench);
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
  const path = await beginUpload(bench);
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
  const path = await beginUpload(bench);
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
  const path = await beginUpload(bench);
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
