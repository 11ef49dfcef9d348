import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgumentError } from "../errors.ts";
import { parseInfoHash } from "../info-hash.ts";
import { createPeerId } from "../peer-id.ts";
import {
  type NodeInfo,
  encodeExtendedHandshake,
  encodeIntent,
  extendedHandshakeLengthMax,
  parseExtendedHandshake,
  parseIntent,
} from "./extended-handshake.ts";
import { FrameParser } from "./frame-parser.ts";
import { encodeHandshake, parseHandshake, startsLikeHandshake } from "./handshake.ts";
import { randomOf } from "./random.test-support.ts";
import {
  encodeBitfield,
  encodeBlocks,
  encodeExtended,
  encodeHave,
  encodePieceHeader,
  encodeSignal,
} from "./wire-message.ts";

const limits = { messageLengthMax: 1024, blockLengthMax: 4096, messagesMax: 14 };
const blockBytes = Buffer.from(Array.from({ length: 300 }, (_, index) => index & 255));
const block = { index: 3, begin: 16384, length: blockBytes.length };

/** One of each message, as it may come on one connection. */
const stream = Buffer.concat([
  Buffer.alloc(4),
  encodeSignal("choke"),
  encodeSignal("unchoke"),
  encodeSignal("interested"),
  encodeSignal("notInterested"),
  encodeHave(0xfffffffe),
  encodeBitfield(Buffer.from([1, 2, 3])),
  encodePieceHeader(block),
  blockBytes,
  encodeBlocks("request", [block, { index: 1, begin: 2, length: 3 }]),
  encodeBlocks("cancel", [block]),
  encodeExtended(1, encodeIntent(5, true)),
  Buffer.from([0, 0, 0, 3, 99, 1, 2]),
  encodePieceHeader({ ...block, length: 0 }),
]);

/** Parses chunks, and gives what was found in words. */
function parsed(chunks: Iterable<Buffer>): string[] {
  const found: string[] = [];
  let target: Buffer = Buffer.alloc(0);
  const parser = new FrameParser(
    {
      onMessage: (message) => {
        found.push(
          JSON.stringify(message, (_, value: unknown) =>
            value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
          ),
        );
      },
      onBlockStart: ({ length }) => (target = Buffer.alloc(length)),
      onBlockEnd: ({ index, begin }) => {
        found.push(`block ${index} ${begin} ${target.toString("hex")}`);
      },
    },
    limits,
  );
  for (const chunk of chunks) parser.push(chunk);
  return found;
}

test("FrameParser finds the same messages however the stream is cut in two", () => {
  const whole = parsed([stream]);
  assert.equal(whole.length, 13);
  assert.ok(whole.includes(`block 3 16384 ${blockBytes.toString("hex")}`));
  for (let cut = 0; cut <= stream.length; cut++) {
    assert.deepEqual(parsed([stream.subarray(0, cut), stream.subarray(cut)]), whole);
  }
  const bytes = Array.from(stream, (byte) => Buffer.from([byte]));
  assert.deepEqual(parsed(bytes), whole);
});

test("FrameParser keeps nothing of the chunks that it was given", () => {
  const found = parsed([stream]);
  const reused = Buffer.alloc(7);
  const chunks = function* () {
    for (let at = 0; at < stream.length; at += reused.length) {
      const length = stream.copy(reused, 0, at);
      yield reused.subarray(0, length);
    }
  };
  assert.deepEqual(parsed(chunks()), found);
});

test("FrameParser refuses what exceeds its limits before it comes", () => {
  const frames = {
    message: Buffer.from([0, 0, 4, 1, 20]),
    block: Buffer.from([0, 0, 16, 10, 7]),
    huge: Buffer.from([255, 255, 255, 255, 5]),
    "short block": Buffer.from([0, 0, 0, 8, 7]),
  };
  for (const frame of Object.values(frames)) {
    assert.throws(() => parsed([frame]), InvalidArgumentError);
  }
});

test("FrameParser refuses more messages than it may take, keep-alives among them", () => {
  const parser = new FrameParser(
    { onMessage: () => undefined, onBlockStart: () => undefined, onBlockEnd: () => undefined },
    { ...limits, blockLengthMax: 1, messagesMax: 3 },
  );
  const block = Buffer.concat([
    encodePieceHeader({ index: 0, begin: 0, length: 1 }),
    Buffer.alloc(1),
  ]);
  // What is worth something is not counted.
  parser.push(Buffer.concat([block, block, block, block]));
  parser.push(Buffer.concat([Buffer.alloc(4), encodeSignal("interested"), Buffer.alloc(4)]));
  parser.allow(100);
  parser.push(Buffer.concat([Buffer.alloc(4), encodeHave(1), Buffer.alloc(4)]));
  assert.throws(() => parser.push(Buffer.alloc(4)), InvalidArgumentError);
});

test("FrameParser refuses bodies of a wrong length", () => {
  for (const id of [0, 1, 2, 3, 4, 6, 8, 20]) {
    for (const length of [0, 1, 3, 5, 11, 13]) {
      const frame = Buffer.concat([Buffer.from([0, 0, 0, length + 1, id]), Buffer.alloc(length)]);
      const fits = id === 20 ? length > 0 : length === (id < 4 ? 0 : id === 4 ? 4 : 12);
      if (fits) assert.equal(parsed([frame]).length, 1);
      else assert.throws(() => parsed([frame]), InvalidArgumentError);
    }
  }
});

test("FrameParser survives any bytes with its own error at most", () => {
  const random = randomOf(7);
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(Array.from({ length: 60 }, () => Math.floor(random() * 256)));
    // Small lengths, so that more than the first frame is looked at.
    if (round % 2) bytes.fill(0, 0, 3);
    try {
      parsed([bytes]);
    } catch (error) {
      assert.ok(error instanceof InvalidArgumentError);
    }
  }
});

test("a handshake comes back as it was sent", () => {
  const infoHash = parseInfoHash("0123456789abcdef0123456789abcdef01234567");
  const peerId = createPeerId();
  const bytes = encodeHandshake({ infoHash, peerId });
  assert.deepEqual(parseHandshake(bytes), { infoHash, peerId, extended: true });
  for (let length = 0; length < bytes.length; length++) {
    assert.ok(startsLikeHandshake(bytes.subarray(0, length)));
    assert.throws(() => parseHandshake(bytes.subarray(0, length)), InvalidArgumentError);
  }
  bytes[1] = 0;
  assert.throws(() => parseHandshake(bytes), InvalidArgumentError);
  assert.equal(startsLikeHandshake(bytes), false);
});

test("an extended handshake comes back as it was sent, and no part of it is one", () => {
  const node: NodeInfo = {
    ...{ blockLengthMax: 262144, dedicatedSeeder: true, whole: false, listenPort: 7080 },
  };
  const payload = encodeExtendedHandshake(node);
  assert.deepEqual(parseExtendedHandshake(payload), node);
  for (let length = 0; length < payload.length; length++) {
    assert.throws(() => parseExtendedHandshake(payload.subarray(0, length)), InvalidArgumentError);
  }
});

test("an extended handshake tells where a node is", () => {
  const place = { region: "eu", zone: "eu-1", rack: undefined };
  const node: NodeInfo = {
    ...{ blockLengthMax: 16384, dedicatedSeeder: false, whole: true, listenPort: 1, place },
  };
  const payload = encodeExtendedHandshake(node);
  assert.deepEqual(parseExtendedHandshake(payload), node);
  const wrong = Buffer.from(payload.toString("latin1").replace("eu/eu-1/", "eu+eu-1/"), "latin1");
  // A later version may tell of places in another way.
  const { place: unreadable } = parseExtendedHandshake(wrong);
  assert.equal(unreadable, undefined);
});

test("an extended handshake with values that nobody sends is refused", () => {
  const node = { dedicatedSeeder: false, whole: false, blockLengthMax: 16384, listenPort: 1 };
  for (const wrong of [{ blockLengthMax: 1 }, { blockLengthMax: 2 ** 31 }, { listenPort: 65536 }]) {
    const payload = encodeExtendedHandshake({ ...node, ...wrong });
    assert.throws(() => parseExtendedHandshake(payload), InvalidArgumentError);
  }
  const long = Buffer.alloc(extendedHandshakeLengthMax + 1, "e");
  assert.throws(() => parseExtendedHandshake(long), InvalidArgumentError);
});

test("an intent comes back as it was sent", () => {
  for (const isComing of [true, false]) {
    assert.deepEqual(parseIntent(encodeIntent(70_000, isComing)), { index: 70_000, isComing });
  }
  assert.throws(() => parseIntent(Buffer.alloc(4)), InvalidArgumentError);
});
