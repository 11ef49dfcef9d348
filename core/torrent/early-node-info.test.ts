import assert from "node:assert/strict";
import { test } from "node:test";

import { blobFixture } from "../testing/blob-fixture.ts";
import { earlyNodeInfo } from "./early-node-info.ts";
import { handshakeLength } from "./handshake.ts";
import { greeting } from "./scripted-peer.test-support.ts";

const bytes = greeting(blobFixture(1), { listenPort: 7 });

test("what a node says of itself is read once all of it is here, whatever follows", () => {
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(earlyNodeInfo(bytes.subarray(0, length)), undefined);
  }
  assert.equal(earlyNodeInfo(bytes)?.listenPort, 7);
  assert.equal(earlyNodeInfo(Buffer.concat([bytes, Buffer.alloc(9)]))?.listenPort, 7);
});

test("other messages, and what is none, say nothing of a node", () => {
  for (const [offset, value] of [
    [4, 21],
    [5, 1],
    [6, 0],
    [3, 2],
    [3, 0],
  ] as const) {
    const broken = Buffer.from(bytes);
    broken[handshakeLength + offset] = value;
    assert.equal(earlyNodeInfo(broken), undefined, `${offset}`);
  }
});
