import assert from "node:assert/strict";
import { once } from "node:events";
import { type RequestListener, type ServerResponse, createServer } from "node:http";
import { type AddressInfo, type Socket, createServer as createTcpServer } from "node:net";
import { type TestContext, test } from "node:test";

import { UnavailableError } from "../errors.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { HttpClient } from "./http-client.ts";

function clientOf(t: TestContext): HttpClient {
  const client = cleanUpOf(t).use(new HttpClient({ connectionsMax: 2, answerLengthMax: 1000 }));
  return client;
}

async function serve(t: TestContext, handle: RequestListener): Promise<string> {
  const server = createServer(handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUpOf(t).defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("HttpClient sends bodies and headers, and gives answers of any status", async (t) => {
  const url = await serve(t, (request, response) => {
    response.writeHead(418, {
      "x-seen": `${String(request.method)} ${String(request.headers["x-own"])}`,
    });
    request.pipe(response);
  });
  const body = Buffer.from("some bytes");
  const request = { method: "PUT", url, headers: { "x-own": "1" }, body } as const;
  const answer = await clientOf(t).request(request, t);
  assert.deepEqual([answer.status, answer.headers["x-seen"]], [418, "PUT 1"]);
  assert.deepEqual(answer.body, body);
});

test("HttpClient keeps its connections", async (t) => {
  const sockets = new Set<Socket>();
  const url = await serve(t, ({ socket }, response) => {
    sockets.add(socket);
    response.end();
  });
  const client = clientOf(t);
  for (let count = 0; count < 5; count++) await client.request({ method: "GET", url }, t);
  assert.equal(sockets.size, 1);
});

test("HttpClient asks again when a kept connection was closed under it", async (t) => {
  let asked = 0;
  const url = await serve(t, ({ socket }, response) => {
    asked++;
    if (asked === 2) socket.resetAndDestroy();
    else response.end("here");
  });
  const client = clientOf(t);
  await client.request({ method: "GET", url }, t);
  const { body } = await client.request({ method: "GET", url }, t);
  assert.equal(body.toString(), "here");
  assert.equal(asked, 3);
});

test("HttpClient refuses answers that are too long or break off", async (t) => {
  const long = await serve(t, (_request, response) => response.end(Buffer.alloc(1001)));
  const broken = await serve(t, (_request, response) => {
    response.writeHead(200, { "content-length": 100 });
    response.write("x", () => response.destroy());
  });
  const client = clientOf(t);
  await assert.rejects(client.request({ method: "GET", url: long }, t), UnavailableError);
  await assert.rejects(client.request({ method: "GET", url: broken }, t), UnavailableError);
});

test("HttpClient gives an answer as it comes, as long as one wants", async (t) => {
  const answering = Promise.withResolvers<ServerResponse>();
  const url = await serve(t, (_request, response) => {
    response.writeHead(206, { "x-own": "1" });
    response.write("first");
    answering.resolve(response);
  });
  const answer = await clientOf(t).open({ method: "POST", url }, t);
  assert.deepEqual([answer.status, answer.headers["x-own"]], [206, "1"]);
  const chunks = answer.body[Symbol.asyncIterator]();
  assert.equal(String((await chunks.next()).value), "first");
  const response = await answering.promise;
  response.write(Buffer.alloc(5000));
  assert.equal((await chunks.next()).done, false);
  const left = once(response, "close");
  await chunks.return?.();
  await left;
});

test("HttpClient tells when an answer that it gives as it comes breaks off", async (t) => {
  const url = await serve(t, (_request, response) => {
    response.writeHead(200, { "content-length": 100 });
    response.write("x", () => response.destroy());
  });
  const { body } = await clientOf(t).open({ method: "GET", url }, t);
  const chunks = body[Symbol.asyncIterator]();
  await chunks.next();
  await assert.rejects(chunks.next(), UnavailableError);
});

test("HttpClient gives the reason of its signal, and lets go of who hangs", async (t) => {
  const connected = Promise.withResolvers<Socket>();
  const server = createTcpServer((socket) => connected.resolve(socket)).listen(0, "127.0.0.1");
  cleanUpOf(t).defer(() => server.close());
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const controller = new AbortController();
  const hanging = clientOf(t).request({ method: "GET", url }, controller);
  const closed = once((await connected.promise).resume(), "close");
  controller.abort(new Error("enough"));
  await assert.rejects(hanging, /enough/);
  await closed;
});

test("HttpClient says which host it cannot reach, and no more of the URL", async (t) => {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  const url = `http://127.0.0.1:${port}/path?secret=1`;
  await assert.rejects(clientOf(t).request({ method: "GET", url }, t), (error) => {
    assert.ok(error instanceof UnavailableError);
    assert.equal(error.message, `Cannot reach 127.0.0.1:${port}: ECONNREFUSED`);
    return true;
  });
});
