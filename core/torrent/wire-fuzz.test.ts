import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgumentError, MetainfoError } from "../errors.ts";
import { parseInfoHash } from "../info-hash.ts";
import { createPeerId } from "../peer-id.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { type Draw, decoded, fuzz } from "../testing/fuzz.ts";
import { Bitfield, bitfieldLength } from "./bitfield.ts";
import {
  encodeExtendedHandshake,
  encodeIntent,
  parseExtendedHandshake,
  parseIntent,
} from "./extended-handshake.ts";
import { FrameParser } from "./frame-parser.ts";
import {
  encodeHandshake,
  handshakeLength,
  parseHandshake,
  startsLikeHandshake,
} from "./handshake.ts";
import { PieceHashes } from "./piece-hashes.ts";
import { RequestQueue } from "./request-queue.ts";
import {
  encodeBitfield,
  encodeBlocks,
  encodeExtended,
  encodeHave,
  encodePieceHeader,
  encodeSignal,
} from "./wire-message.ts";

const limits = { messageLengthMax: 512, blockLengthMax: 256, messagesMax: 12 };
const block = { index: 3, begin: 16384, length: 40 };

const greetings = [
  { blockLengthMax: 262144, dedicatedSeeder: true, whole: true, listenPort: 7080 },
  { blockLengthMax: 16384, dedicatedSeeder: false, whole: false, listenPort: 0 },
  {
    ...{ blockLengthMax: 16384, dedicatedSeeder: false, whole: false, listenPort: 0 },
    place: { region: "eu", zone: "eu-1", rack: "r1" },
  },
].map(encodeExtendedHandshake);

const frames = [
  Buffer.alloc(4),
  encodeSignal("unchoke"),
  encodeHave(7),
  encodeBitfield(Buffer.from([0xf0, 0x80])),
  Buffer.concat([encodePieceHeader(block), Buffer.alloc(block.length, 9)]),
  encodeBlocks("request", [block, { index: 1, begin: 2, length: 3 }]),
  encodeBlocks("cancel", [block]),
  encodeExtended(1, encodeIntent(5, true)),
  encodeExtended(0, greetings[0] ?? Buffer.alloc(0)),
  Buffer.from([0, 0, 0, 3, 99, 1, 2]),
];

/** Each message alone, and all on one connection. */
const streams = [...frames, Buffer.concat(frames), Buffer.concat(frames.toReversed())];

test("FrameParser reads any stream in the same way however it is cut, within its limits", () => {
  fuzz({ seed: 1, count: 40_000, valid: streams }, (input, draw) => {
    const whole = parsed([input]);
    assert.deepEqual(parsed(cut(input, draw)), whole);
    // What was found does not take more than what came.
    assert.ok(whole.bytes <= input.length);
  });
});

/** What is found in chunks, in words, and the error by which they were refused. */
function parsed(chunks: readonly Buffer[]) {
  const found: string[] = [];
  let bytes = 0;
  let target = Buffer.alloc(0);
  const parser = new FrameParser(
    {
      onMessage: (message) => {
        const text = JSON.stringify(message, (_, value: unknown) =>
          value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
        );
        found.push(text);
        const body = "payload" in message ? message.payload : undefined;
        const length = "bytes" in message ? message.bytes.byteLength : (body?.byteLength ?? 0);
        assert.ok(length < limits.messageLengthMax);
        bytes += 5 + length;
      },
      onBlockStart: ({ length }) => {
        assert.ok(length <= limits.blockLengthMax);
        target = Buffer.alloc(length);
        return target;
      },
      onBlockEnd: ({ index, begin, length }) => {
        found.push(`block ${index} ${begin} ${target.toString("hex")}`);
        bytes += 13 + length;
      },
    },
    limits,
  );
  const isRead = decoded(() => {
    for (const chunk of chunks) parser.push(chunk);
    return true;
  }, [InvalidArgumentError]);
  assert.ok(parser.blockBytes <= chunks.reduce((sum, { length }) => sum + length, 0));
  return { found, bytes, isRead };
}

/** Cuts bytes where it falls: in two, in a few, or in single ones. */
function cut(input: Buffer, draw: Draw): Buffer[] {
  const lengthMax = [input.length + 1, 20, 1][draw(3)] ?? 1;
  const chunks: Buffer[] = [];
  for (let at = 0; at < input.length;) {
    const length = 1 + draw(lengthMax);
    chunks.push(input.subarray(at, at + length));
    at += length;
  }
  return chunks;
}

test("any bytes are a handshake that reads back as it was, or none", () => {
  const infoHash = parseInfoHash("0123456789abcdef0123456789abcdef01234567");
  const valid = [encodeHandshake({ infoHash, peerId: createPeerId() })];
  fuzz({ seed: 100_000, count: 6000, valid }, (input) => {
    const handshake = decoded(() => parseHandshake(input), [InvalidArgumentError]);
    assert.ok(!handshake || startsLikeHandshake(input));
    if (!handshake) return;
    const again = encodeHandshake(handshake);
    // Reserved bits are others' to set.
    input.copy(again, 20, 20, 28);
    assert.deepEqual(again, input);
    assert.equal(again.length, handshakeLength);
  });
});

test("any bytes are an extended handshake with values within bounds, or none", () => {
  fuzz({ seed: 200_000, count: 15_000, valid: greetings }, (input) => {
    const node = decoded(() => parseExtendedHandshake(input), [InvalidArgumentError]);
    if (!node) return;
    assert.ok(node.blockLengthMax >= 16384 && node.blockLengthMax <= 2 ** 30);
    assert.ok(Number.isInteger(node.listenPort) && node.listenPort >= 0);
    assert.ok(node.listenPort <= 65535);
    assert.deepEqual(parseExtendedHandshake(encodeExtendedHandshake(node)), node);
  });
});

test("any bytes are an intent of a piece, or none", () => {
  const valid = [encodeIntent(0, false), encodeIntent(0xffffffff, true)];
  fuzz({ seed: 300_000, count: 4000, valid }, (input) => {
    const intent = decoded(() => parseIntent(input), [InvalidArgumentError]);
    if (!intent) return;
    assert.deepEqual(encodeIntent(intent.index, intent.isComing).subarray(1), input.subarray(1));
  });
});

test("any bytes are a bitfield that counts the pieces it has, or none", () => {
  const valid = [1, 8, 21].map((pieceCount) => Bitfield.full(pieceCount).toBytes());
  fuzz({ seed: 400_000, count: 8000, valid }, (input, draw) => {
    const pieceCount = 1 + draw(24);
    const bitfield = decoded(() => Bitfield.parse(input, pieceCount), [InvalidArgumentError]);
    if (!bitfield) return;
    assert.equal(input.length, bitfieldLength(pieceCount));
    assert.deepEqual(Buffer.from(bitfield.toBytes()), input);
    const indexes = Array.from({ length: pieceCount }, (_, index) => index);
    assert.equal(bitfield.held, indexes.filter((index) => bitfield.has(index)).length);
    assert.equal(bitfield.isFull, bitfield.firstMissing(0) === pieceCount);
    assert.equal(bitfield.has(pieceCount), false);
  });
});

test("any runs of hashes are those of a blob's next pieces, or refused", () => {
  const { digest, layout, pieceHashes } = blobFixture(1024 * 1024).metainfo;
  fuzz({ seed: 500_000, count: 4000, valid: [pieceHashes, Buffer.alloc(20)] }, (input) => {
    const hashes = new PieceHashes({ digest, layout, pieceHashes: undefined });
    for (const run of [input, input, pieceHashes]) {
      const before = hashes.known;
      decoded(() => hashes.add(run), [MetainfoError]);
      assert.ok(hashes.known === before || hashes.known === before + run.byteLength / 20);
      assert.ok(hashes.known <= layout.pieceCount);
    }
    assert.equal(hashes.bytes.byteLength, hashes.known * 20);
  });
});

test("RequestQueue takes any answers in any order, and keeps its account", () => {
  const answers = encodeBlocks("request", [block, { index: 1, begin: 0, length: 64 }]);
  fuzz({ seed: 600_000, count: 6000, valid: [answers] }, (_, draw) => {
    const queue = new RequestQueue();
    const buffers = [0, 1, 2].map(() => Buffer.alloc(1 + draw(200)));
    buffers.forEach((buffer, index) => queue.assign({ index, buffer }, 0));
    for (let step = 0; step < 12; step++) {
      if (draw(3) > 0) queue.nextBlock(1 + draw(64));
      if (draw(6) === 0) queue.cancel(draw(4));
      takeAnswer(queue, draw);
      const owed = buffers.reduce((sum, { length }) => sum + length, 0);
      assert.ok(queue.outstanding >= 0 && queue.outstanding <= owed);
    }
    for (const { index } of [...queue.assignments]) queue.cancel(index);
    assert.equal(queue.outstanding, 0);
  });
});

/** Answers with a block that was asked for, or with another. */
function takeAnswer(queue: RequestQueue, draw: Draw): void {
  const answer = { index: draw(4), begin: draw(2) * draw(100), length: draw(80) };
  decoded(() => {
    const place = queue.startBlock(answer);
    assert.ok(!place || place.byteLength === answer.length);
    queue.endBlock(answer);
  }, [InvalidArgumentError]);
}
