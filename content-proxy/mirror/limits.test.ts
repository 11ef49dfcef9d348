import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { test } from "node:test";

import { blobFixture } from "../../core/testing/blob-fixture.ts";
import { MirrorNode } from "./mirror-node.test-support.ts";

const { bytes, digest } = blobFixture(3_000_000);
const path = `/v2/app/blobs/${digest}`;

/** What the mirror says to bytes that are no request, and that it hangs up then. */
async function answerTo(mirror: MirrorNode, request: string): Promise<string> {
  const socket = createConnection(mirror.port, "127.0.0.1");
  socket.write(request);
  return text(socket);
}

test("what is not HTTP, or has too long a header, is refused in the API's words", async (t) => {
  const mirror = await MirrorNode.open(t);
  const garbage = await answerTo(mirror, "what is this\r\n\r\n");
  assert.match(garbage, /^HTTP\/1\.1 400 [^]*registry\/2\.0[^]*"errors"/);
  const header = `X-Long: ${"a".repeat(20_000)}`;
  const long = await answerTo(mirror, `GET /v2/ HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`);
  assert.match(long, /^HTTP\/1\.1 431 [^]*"errors"/);
});

test("nothing is said in the middle of a body", async (t) => {
  const mirror = await MirrorNode.open(t);
  await mirror.node.write(bytes, "pull");
  const socket = createConnection(mirror.port, "127.0.0.1");
  socket.write(`GET ${path}?ns=${mirror.registry.host} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await once(socket, "readable");
  socket.write("what is this\r\n\r\n");
  const received = await text(socket);
  assert.doesNotMatch(received.slice(received.indexOf("\r\n\r\n")), /HTTP\/1\.1/);
});

test("more connections than are allowed are closed", async (t) => {
  const yaml = 'mirror: { enabled: true, listen: "127.0.0.1:0", connectionsMax: 1 }\n';
  const mirror = await MirrorNode.open(t, yaml);
  const first = createConnection(mirror.port, "127.0.0.1");
  first.write("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(first, "data");
  const second = createConnection(mirror.port, "127.0.0.1").resume();
  await once(second, "close");
  first.destroy();
});

test("a connection is kept for the next request, and closed when the client wants it", async (t) => {
  const mirror = await MirrorNode.open(t);
  const socket = createConnection(mirror.port, "127.0.0.1");
  for (let count = 0; count < 2; count++) {
    socket.write("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(socket, "data");
  }
  socket.write("GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  assert.match(await text(socket), /connection: close/i);
});

test("requests that are sent ahead are answered in their order", async (t) => {
  const mirror = await MirrorNode.open(t);
  await mirror.node.write(bytes, "pull");
  const socket = createConnection(mirror.port, "127.0.0.1");
  const target = `${path}?ns=${mirror.registry.host}`;
  const head = (more: string) => `GET ${target} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
  socket.write(head("") + head("Range: bytes=5-9\r\nConnection: close\r\n"));
  const received = await buffer(socket);
  const start = received.indexOf("\r\n\r\n") + 4;
  assert.ok(received.subarray(start, start + bytes.length).equals(bytes));
  assert.match(received.subarray(start + bytes.length).toString("latin1"), /^HTTP\/1\.1 206 /);
  assert.ok(received.subarray(-5).equals(bytes.subarray(5, 10)));
});

test("a client that leaves in the middle of a blob leaves nothing behind", async (t) => {
  const mirror = await MirrorNode.open(t);
  await mirror.node.write(bytes, "pull");
  const response = await mirror.ask(path);
  response.destroy();
  await once(response, "close");
  assert.equal((await mirror.get(path)).body.length, bytes.length);
});

test("many clients at once get the blob whole", async (t) => {
  const mirror = await MirrorNode.open(t);
  await mirror.node.write(bytes, "pull");
  const answers = await Promise.all(Array.from({ length: 60 }, () => mirror.get(path)));
  for (const { body } of answers) assert.ok(body.equals(bytes));
});
