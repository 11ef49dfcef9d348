import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgumentError } from "../errors.ts";
import { Bitfield } from "./bitfield.ts";

test("Bitfield counts what it holds and finds what is missing", () => {
  const bitfield = new Bitfield(20);
  for (let index = 0; index < 17; index++) assert.equal(bitfield.add(index), true);
  assert.equal(bitfield.add(3), false);
  assert.equal(bitfield.add(20), false);
  assert.equal(bitfield.held, 17);
  assert.equal(bitfield.firstMissing(0), 17);
  assert.equal(bitfield.firstMissing(18), 18);
  for (const index of [17, 18, 19]) bitfield.add(index);
  assert.ok(bitfield.isFull);
  assert.equal(bitfield.firstMissing(0), 20);
  assert.equal(bitfield.firstMissing(25), 20);
});

test("Bitfield comes back from the wire, its first piece in the highest bit", () => {
  const bitfield = new Bitfield(10);
  bitfield.add(0);
  bitfield.add(9);
  assert.deepEqual([...bitfield.toBytes()], [0x80, 0x40]);
  const parsed = Bitfield.parse(bitfield.toBytes(), 10);
  assert.deepEqual(
    [parsed.held, parsed.has(0), parsed.has(9), parsed.has(10)],
    [2, true, true, false],
  );
});

test("Bitfield.parse() refuses another length and spare bits", () => {
  for (const bytes of [[], [0], [0, 0, 0], [0, 0x20], [0xff, 0xff]]) {
    assert.throws(() => Bitfield.parse(Uint8Array.from(bytes), 10), InvalidArgumentError);
  }
});
