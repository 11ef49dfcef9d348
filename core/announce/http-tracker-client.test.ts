import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";

import { encodeBencode } from "../bencode.ts";
import { AccessDeniedError, UnavailableError } from "../errors.ts";
import { parseInfoHash } from "../info-hash.ts";
import { createPeerId } from "../peer-id.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
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
  cleanUpOf(t).defer(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const lookup = () => assert.fail("An address needs no look-up");
  const place = { host: "127.0.0.1", port, family: 4, isName: false, lookup } as const;
  const ours = { peerId: createPeerId(), key: 1, whereabouts, lookup };
  const client = new HttpTrackerClient(new URL(`http://127.0.0.1:${port}/announce`), {
    ...ours,
    place,
  });
  cleanUpOf(t).use(client);
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

test("a heartbeat leaves no connection behind, a batch leaves one for the next", async (t) => {
  const connections = new Set<unknown>();
  const asked: (string | undefined)[] = [];
  const client = await clientOf(t, (request, response) => {
    request.resume();
    connections.add(request.socket);
    asked.push(request.headers.connection);
    response.end(encodeBencode({ interval: 600, heartbeat: 15, admission: 1 }));
  });
  const seeding = [parseInfoHash("a".repeat(40))];
  await client.announceBatch({ ...heartbeat, seeding }, t);
  await client.announceBatch({ ...heartbeat, seeding }, t);
  assert.equal(connections.size, 1);
  await client.announceBatch(heartbeat, t);
  await client.announceBatch(heartbeat, t);
  assert.equal(connections.size, 2);
  assert.deepEqual(asked, ["keep-alive", "keep-alive", "close", "close"]);
});

for (const header of ["x-shoal-generation", "x-shoal-batch", undefined]) {
  test(`where we are is told to a tracker with ${header ?? "no header of ours"}: ${header ? "from then on" : "never"}`, async (t) => {
    const urls: string[] = [];
    const handle = (request: IncomingMessage, response: ServerResponse) => {
      urls.push(request.url ?? "");
      if (header) response.setHeader(header, "500");
      response.end(encodeBencode({ interval: 600, peers: "" }));
    };
    const client = await clientOf(t, handle, { region: "eu", zone: "a" });
    const infoHash = parseInfoHash("a".repeat(40));
    const bytes = { left: 1, uploaded: 0, downloaded: 0 };
    const request = { infoHash, port: 7001, event: "started", peersWanted: 5, ...bytes } as const;
    const wanted = [await client.announce(request, t), await client.announce(request, t)].map(
      ({ wantsPlace }) => wantsPlace,
    );
    const told = urls.map((url) => url.includes("&place=eu/a/"));
    // The first answer shows whose tracker it is, which does not know then where we are.
    assert.deepEqual(told, [false, header !== undefined]);
    assert.deepEqual(wanted, [header !== undefined, false]);
  });
}
