import assert from "node:assert/strict";
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { type TestContext, test } from "node:test";

import { blobFixture } from "../testing/blob-fixture.ts";
import { parseExtendedHandshake } from "./extended-handshake.ts";
import { handshakeLength } from "./handshake.ts";
import { askersOfWholeMax } from "./limits.ts";
import { greeting } from "./scripted-peer.test-support.ts";
import { SwarmEngine } from "./swarm-engine.ts";
import type { SwarmEvent } from "./worker-protocol.ts";

/** Of as many pieces as are not served to everybody. */
const blob = blobFixture(16 * 256 * 1024);

/** An engine that seeds the blob; its time goes on when it is told to. */
async function seeding(t: TestContext) {
  const time = { nowMs: 0 };
  const events: SwarmEvent[] = [];
  const connectionsMax = 2 * askersOfWholeMax;
  const engine = await SwarmEngine.open({
    settings: {
      ...{ host: "127.0.0.1", port: 0, dedicatedSeeder: true, stallBoundMs: 1000 },
      ...{ connectionsMax, connectionsPerHostMax: connectionsMax, peersPerBlobMax: 10 },
      ...{ limits: undefined, place: undefined },
    },
    post: (event) => events.push(event),
    now: () => time.nowMs,
    random: () => 0,
  });
  t.after(() => engine[Symbol.asyncDispose]());
  const { infoHash, layout } = blob.metainfo;
  engine.handle({ type: "seed", infoHash, size: layout.size, path: "/nowhere" });
  const [listening] = events;
  assert.ok(listening?.type === "listening");
  return { time, port: listening.port };
}

/** Comes to the engine as a node does. Gives its connection, and whether it is served. */
async function come(t: TestContext, port: number): Promise<{ socket: Socket; isServed: boolean }> {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  t.after(() => socket.destroy());
  socket.write(greeting(blob, { whole: false }));
  let received = Buffer.alloc(0);
  const isGreeted = () =>
    received.length >= handshakeLength + 4 &&
    received.length >= handshakeLength + 4 + received.readUInt32BE(handshakeLength);
  while (!isGreeted()) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    received = Buffer.concat([received, chunk]);
  }
  const length = received.readUInt32BE(handshakeLength);
  const payload = received.subarray(handshakeLength + 6, handshakeLength + 4 + length);
  return { socket, isServed: !parseExtendedHandshake(payload).crowded };
}

test("who holds a place with a blob for 10 s and asks for nothing leaves it to who comes", async (t) => {
  const { time, port } = await seeding(t);
  const places: Socket[] = [];
  for (let asker = 0; asker < askersOfWholeMax; asker++) {
    const { socket, isServed } = await come(t, port);
    assert.ok(isServed);
    places.push(socket);
  }
  time.nowMs = 9999;
  assert.equal((await come(t, port)).isServed, false);
  const left = Promise.race(places.map((socket) => once(socket.resume(), "close")));
  time.nowMs = 10_000;
  assert.equal((await come(t, port)).isServed, true);
  await left;
  assert.equal(places.filter(({ closed }) => closed).length, 1);
});
