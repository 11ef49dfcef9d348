import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";

import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { encodeHandshake } from "./handshake.ts";
import { closed } from "./scripted-peer.test-support.ts";
import { SwarmEngine } from "./swarm-engine.ts";
import type { SwarmEvent } from "./worker-protocol.ts";

const { metainfo } = blobFixture(1024 * 1024);
const { infoHash } = metainfo;

test("a stock client that takes nothing for a minute is hung up on, whatever it says", async (t) => {
  const time = { nowMs: 0 };
  const events: SwarmEvent[] = [];
  const engine: SwarmEngine = cleanUpOf(t).use(
    await SwarmEngine.open({
      settings: {
        ...{ host: "127.0.0.1", port: 0, dedicatedSeeder: true, stallBoundMs: 1000 },
        ...{ connectionsMax: 9, connectionsPerHostMax: 9, peersPerBlobMax: 9 },
        ...{ limits: undefined, place: undefined },
      },
      post: (event) => {
        events.push(event);
        if (event.type !== "metainfoWanted") return;
        setImmediate(() => engine.handle({ type: "metainfo", infoHash, metainfo }));
      },
      now: () => time.nowMs,
      random: () => 0,
    }),
  );
  const [listening] = events;
  assert.ok(listening?.type === "listening");
  engine.handle({ type: "seed", infoHash, size: metainfo.layout.size, path: "/nowhere" });
  const guest = connect(listening.port, "127.0.0.1").on("error", () => undefined);
  cleanUpOf(t).defer(() => guest.destroy());
  guest.write(encodeHandshake({ infoHash, peerId: Buffer.from("-qB4500-abcdefghijkl") }));
  await once(guest, "data");
  guest.resume();
  guest.write(Buffer.alloc(400));
  time.nowMs = 60_000;
  await closed(guest);
});
