import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgumentError } from "../../core/errors.ts";
import { SeededRandom } from "../http2/seeded-random.test-support.ts";
import {
  decodeReadRequest,
  readResponseHeadBytesMax,
  readResponseHeadLength,
  writeReadResponseHead,
} from "./read-message.ts";

const digest = `sha256:${"ab".repeat(32)}`;
const digestField = Buffer.concat([Buffer.of(0x0a, 71), Buffer.from(digest)]);

/** Fields 2 and 3 as any protobuf library writes them. */
const requests = [
  ["", 0, 0],
  ["1001", 1, 0],
  ["10808002", 32768, 0],
  ["1080800218808002", 32768, 32768],
  ["10ffffffffffffff0f", Number.MAX_SAFE_INTEGER, 0],
  ["10ffffffffffffffffff01", -1, 0],
  ["1880808080808080808001", 0, -1],
  ["1001100218031804", 2, 4],
] as const;

for (const [hex, offset, size] of requests) {
  test(`decodeReadRequest() reads offset ${offset} and size ${size} from "${hex}"`, () => {
    const message = Buffer.concat([digestField, Buffer.from(hex, "hex")]);
    assert.deepEqual(decodeReadRequest(message), { digest, offset, size });
  });
}

test("decodeReadRequest() passes over fields that it does not know", () => {
  const unknown = Buffer.from("20ff01" + "290000000000000000" + "3203616263" + "3d00000000", "hex");
  const message = Buffer.concat([unknown, digestField, unknown]);
  assert.deepEqual(decodeReadRequest(message), { digest, offset: 0, size: 0 });
});

test("decodeReadRequest() refuses a message that is cut short anywhere but between fields", () => {
  const message = Buffer.concat([digestField, Buffer.from("1080800218808002", "hex")]);
  const between = [0, 73, 77, 81];
  for (let end = 0; end <= message.length; end++) {
    const decode = () => decodeReadRequest(message.subarray(0, end));
    if (between.includes(end)) decode();
    else assert.throws(decode, InvalidArgumentError);
  }
});

for (const [what, hex] of [
  ["an integer beyond what a number holds", "1080808080808080808001".replace(/01$/, "00") + "10"],
  ["an integer of 2^53", "108080808080808010"],
  ["an integer without end", "10ffffffffffffffffffffff01"],
  ["a string longer than the message", "0affffffffff7f"],
  ["field number 0", "0001"],
  ["a group", "0b0c"],
] as const) {
  test(`decodeReadRequest() refuses ${what}`, () => {
    assert.throws(() => decodeReadRequest(Buffer.from(hex, "hex")), InvalidArgumentError);
  });
}

test("decodeReadRequest() takes random bytes for a request or refuses them", () => {
  const random = new SeededRandom(3);
  for (let round = 0; round < 20_000; round++) {
    const message = random.bytes(random.below(30));
    if (message.length > 0) message[0] = [0x0a, 0x10, 0x18][random.below(3)] ?? 0;
    try {
      decodeReadRequest(message);
    } catch (error) {
      assert.ok(error instanceof InvalidArgumentError);
    }
  }
});

test("writeReadResponseHead() writes the frame and field that go before the data", () => {
  for (const length of [1, 127, 128, 32768, 65536, 1 << 20, 1 << 24]) {
    const headLength = readResponseHeadLength(length);
    assert.ok(headLength <= readResponseHeadBytesMax);
    const head = Buffer.alloc(headLength);
    assert.equal(writeReadResponseHead(head, 0, length), headLength);
    assert.equal(head.readUInt32BE(1), headLength - 5 + length);
    assert.equal(head[5], 0x12);
    // The same integer, read back as a request's offset.
    const asOffset = Buffer.concat([Buffer.of(0x10), head.subarray(6)]);
    assert.equal(decodeReadRequest(asOffset).offset, length);
  }
});
