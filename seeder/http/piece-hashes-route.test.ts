import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { type AddressInfo, type Socket, connect } from "node:net";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { UnavailableError } from "../../core/errors.ts";
import { blobFixture } from "../../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { BlobArrival } from "../blob-arrival.ts";
import { pieceHashesRoute } from "./piece-hashes-route.ts";

const { digest, metainfo } = blobFixture(1_000_000);
const { pieceHashes, layout } = metainfo;

/** The route for a blob that arrives, and a client of it. */
async function open(
  t: TestContext,
  onConnection: (socket: Socket) => void = () => undefined,
  from: string | null = null,
) {
  const descriptor = { mediaType: "layer", digest, size: layout.size };
  const arrival = new BlobArrival({ descriptor, registry: "r.example" }, () => undefined);
  const store = { find: () => undefined, metainfo: async () => metainfo };
  const hold = arrival.hold();
  const cache = { follow: async () => ({ arrival, [Symbol.dispose]: hold[Symbol.dispose] }) };
  const ends: Promise<unknown>[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const origin = { lists: (registry: string) => registry === "r.example" };
    const options = { path: digest, from, deps: { store, cache, origin }, signal: t.signal };
    onConnection(request.socket);
    ends.push(pieceHashesRoute(request, response, options).catch((error: unknown) => error));
  };
  const server = createServer({ highWaterMark: 16 }, answer).listen(0, "127.0.0.1");
  cleanUpOf(t).defer(() => server.close());
  await once(server, "listening");
  const accepted = once(server, "connection");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  cleanUpOf(t).defer(() => client.destroy());
  client.write(`GET /v1/piece-hashes/${digest} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
  const [socket] = (await accepted) as [Socket];
  const grow = (pieces: number) => {
    const status = { ref: digest, total: layout.size, startedAt: 0n, updatedAt: 0n };
    arrival.grow({
      status: { ...status, offset: Math.min(layout.size, pieces * layout.pieceLength) },
      path: undefined,
      finishedPieces: (start) => pieceHashes.slice(start * 20, pieces * 20),
      digest: () => digest,
    });
  };
  return { client, socket, grow, ends };
}

test("a client that takes nothing of the hashes is hung up on", async (t) => {
  const { client, socket, grow, ends } = await open(t, (accepted) => accepted.cork());
  const closed = once(client, "close");
  client.resume();
  grow(2);
  while (socket.timeout !== 60_000) await turn();
  // As Node does when that time is over.
  socket.emit("timeout");
  await closed;
  assert.ok((await ends[0]) instanceof Error);
});

test("a client may wait for the next hash as long as that takes", async (t) => {
  const { client, socket, grow, ends } = await open(t);
  const received: Buffer[] = [];
  client.on("data", (chunk) => received.push(chunk));
  const body = () => {
    const all = Buffer.concat(received);
    return all.subarray(all.indexOf("\r\n\r\n") + 4);
  };
  for (let pieces = 1; pieces < 4; pieces++) {
    grow(pieces);
    while (body().length !== pieces * 20) await turn();
    assert.ok(!socket.timeout);
  }
  grow(layout.pieceCount);
  await once(client, "close");
  assert.deepEqual(body(), Buffer.from(pieceHashes));
  assert.equal(await ends[0], undefined);
});

test("hashes of a blob that comes from another registry than the client means are not told", async (t) => {
  const refused = await open(t, () => undefined, "a.example,b.example");
  refused.client.resume();
  refused.grow(1);
  while (refused.ends.length === 0) await turn();
  const [error] = await Promise.all(refused.ends);
  assert.ok(error instanceof UnavailableError);
  for (const from of ["a.example,R.example", ""]) {
    const { client, grow } = await open(t, () => undefined, from);
    grow(layout.pieceCount);
    assert.match((await text(client)).slice(0, 20), /^HTTP\/1\.1 200 /);
  }
});
