import assert from "node:assert/strict";
import { once } from "node:events";
import { type ServerResponse, createServer } from "node:http";
import { type AddressInfo, createConnection } from "node:net";
import { buffer } from "node:stream/consumers";
import { type TestContext, test } from "node:test";

import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { waitSent } from "./wait-sent.ts";

/** More than a connection holds of what nobody reads. */
const body = Buffer.alloc(32 * 1024 * 1024);

/** An answer that is on its way to a client that has not read anything. */
async function open(t: TestContext) {
  const server = createServer().listen(0, "127.0.0.1");
  cleanUpOf(t).defer(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = createConnection(port, "127.0.0.1").pause();
  cleanUpOf(t).defer(() => client.destroy());
  const asked = once(server, "request", t);
  client.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  const [, response] = (await asked) as [unknown, ServerResponse];
  return { client, response };
}

test("an answer is waited for until the client has taken it", async (t) => {
  const { client, response } = await open(t);
  response.end(body);
  const sent = waitSent(response, 600_000);
  assert.equal(response.writableFinished, false);
  const received = await buffer(client);
  await sent;
  assert.equal(response.writableFinished, true);
  assert.ok(received.length > body.length);
  await waitSent(response, 0);
});

test("a client that takes nothing is cut off", async (t) => {
  const { client, response } = await open(t);
  response.end(body);
  await waitSent(response, 1);
  assert.equal(response.destroyed, true);
  assert.ok((await buffer(client).catch(() => Buffer.alloc(0))).length < body.length);
});
