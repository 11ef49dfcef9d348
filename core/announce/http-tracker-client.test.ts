import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";

import { AccessDeniedError, UnavailableError } from "../errors.ts";
import { createPeerId } from "../peer-id.ts";
import type { Place } from "../topology.ts";
import { HttpTrackerClient } from "./http-tracker-client.ts";

/** A client of a tracker that answers as a test wants. */
async function clientOf(
  t: TestContext,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  whereabouts?: Place,
): Promise<HttpTrackerClient> {
  const server = createServer(handle).listen(0, "127.0.0.1");
  await once(server, "listening", t);
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const lookup = () => assert.fail("An address needs no look-up");
  const place = { host: "127.0.0.1", port, family: 4, isName: false, lookup } as const;
  const ours = { peerId: createPeerId(), key: 1, whereabouts, lookup };
  const client = new HttpTrackerClient(new URL(`http://127.0.0.1:${port}/announce`), {
    ...ours,
    place,
  });
  t.after(() => client[Symbol.asyncDispose]());
  return client;
}

const heartbeat = { port: 7001, seeding: [], stopped: [] };

test("who does not know batches is told from who is busy by the status", async (t) => {
  let status = 0;
  const client = await clientOf(t, (request, response) => {
    request.resume();
    response.writeHead(status).end();
  });
  for (status of [400, 403, 404, 405, 415, 501, 505]) {
    await assert.rejects(client.announceBatch(heartbeat, t), AccessDeniedError, String(status));
  }
  for (status of [429, 500, 502, 503, 504]) {
    await assert.rejects(client.announceBatch(heartbeat, t), UnavailableError, String(status));
  }
});
