import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";

import { HostLimits } from "../limits/host-limits.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { blockLengthFor } from "./block-length.ts";
import { parseExtendedHandshake } from "./extended-handshake.ts";
import { FrameParser } from "./frame-parser.ts";
import { handshakeLength } from "./handshake.ts";
import { messageLengthMax, newsMax } from "./limits.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";
import { greeting } from "./scripted-peer.test-support.ts";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

test("blocks are long without an upload limit, and shorter the slower it is", () => {
  assert.equal(blockLengthFor(0), 256 * kibibyte);
  assert.equal(blockLengthFor(100 * mebibyte), 256 * kibibyte);
  assert.equal(blockLengthFor(10 * mebibyte), 64 * kibibyte);
  assert.equal(blockLengthFor(mebibyte), 16 * kibibyte);
});

test("a node whose uploads are limited offers short blocks to who asks", async (t) => {
  const blob = blobFixture(mebibyte);
  const limits = new HostLimits();
  const bench = await SwarmBench.create(openTestSwarm({ limits: limits.memory }), t);
  const seeder = await bench.node();
  bench.seed(seeder, await bench.seeded(blob));
  const offered = async () => {
    const socket = connect(seeder.port, "127.0.0.1");
    socket.write(greeting(blob, { whole: false }));
    try {
      let received = Buffer.alloc(0);
      for (;;) {
        const [chunk] = (await once(socket, "data", t)) as [Buffer];
        received = Buffer.concat([received, chunk]);
        const length = blockLengthIn(received.subarray(handshakeLength));
        if (length !== undefined) return length;
      }
    } finally {
      socket.destroy();
    }
  };
  assert.equal(await offered(), 256 * kibibyte);
  limits.set({ upload: mebibyte, download: 0, origin: 0, preheat: 0 });
  assert.equal(await offered(), 16 * kibibyte);
});

/** The longest block that an extended handshake offers; `undefined` while it has not come. */
function blockLengthIn(bytes: Buffer): number | undefined {
  let length: number | undefined;
  const parser = new FrameParser(
    {
      onMessage: (message) => {
        if (message.type !== "extended" || message.id !== 0) return;
        length = parseExtendedHandshake(message.payload).blockLengthMax;
      },
      onBlockStart: () => undefined,
      onBlockEnd: () => undefined,
    },
    { messageLengthMax, blockLengthMax: 0, messagesMax: newsMax },
  );
  parser.push(bytes);
  return length;
}
