import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgumentError } from "../../core/errors.ts";
import { MessageReader } from "./message-reader.ts";

const messages = ["", "a", "twelve bytes", "", "x".repeat(300)].map((text) => Buffer.from(text));
const framed = Buffer.concat(messages.map(frameOf));

test("MessageReader finds the same messages wherever the data are cut", () => {
  for (let first = 0; first <= framed.length; first++) {
    const reader = new MessageReader({ messageBytesMax: 300 });
    const found = [
      ...reader.read(framed.subarray(0, first)),
      ...reader.read(framed.subarray(first)),
    ];
    assert.deepEqual(found, messages);
    assert.equal(reader.isWithinMessage, false);
  }
});

test("MessageReader finds the same messages byte by byte, and knows when one is cut short", () => {
  const reader = new MessageReader({ messageBytesMax: 300 });
  const found: Buffer[] = [];
  for (const byte of framed) {
    const before = found.length;
    found.push(...reader.read(Buffer.of(byte)));
    assert.equal(reader.isWithinMessage, found.length === before);
  }
  assert.deepEqual(found, messages);
});

test("MessageReader refuses a message that is too long before it has come", () => {
  const reader = new MessageReader({ messageBytesMax: 299 });
  assert.throws(() => [...reader.read(Buffer.of(0, 0, 0, 1, 44))], InvalidArgumentError);
});

test("MessageReader refuses a compressed message", () => {
  const reader = new MessageReader({ messageBytesMax: 300 });
  assert.throws(() => [...reader.read(Buffer.of(1, 0, 0, 0, 0))], InvalidArgumentError);
});

test("MessageReader uses memory again once it is given back, and not before", () => {
  const reader = new MessageReader({ messageBytesMax: 300 });
  const [one, two] = reader.read(
    Buffer.concat([frameOf(Buffer.from("one")), frameOf(Buffer.from("two"))]),
  );
  assert.ok(one && two);
  assert.notEqual(one.buffer, two.buffer);
  reader.reuse(one);
  const [three] = reader.read(frameOf(Buffer.from("3")));
  assert.equal(three?.buffer, one.buffer);
  assert.deepEqual(three, Buffer.from("3"));
  reader.reuse(three);
  const [longer] = reader.read(frameOf(Buffer.from("much longer")));
  assert.notEqual(longer?.buffer, one.buffer);
});

function frameOf(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
