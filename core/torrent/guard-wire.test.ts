import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";

import { pieceLayoutOf } from "../piece-layout.ts";
import { guardWire } from "./guard-wire.ts";

const layout = pieceLayoutOf(1024 * 1024);
const { pieceCount, pieceLength } = layout;

/** A wire as webtorrent has it, with what came of it. */
class TestWire extends EventEmitter {
  readonly uploaded = 0;
  isDestroyed = false;
  written = 0;

  write(bytes: Uint8Array): boolean {
    this.written += bytes.byteLength;
    return true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

function guarded() {
  const wire = new TestWire();
  const told: unknown[][] = [];
  for (const event of ["have", "request", "bitfield"]) {
    wire.on(event, (...values: unknown[]) => told.push([event, ...values]));
  }
  const taken = { bytes: 0 };
  guardWire(wire, { layout, bytesTaken: () => taken.bytes });
  return { wire, told, taken };
}

test("guardWire() lets pass what concerns the blob", () => {
  const { wire, told } = guarded();
  wire.emit("have", pieceCount - 1);
  wire.emit("request", 0, pieceLength - 16_384, 16_384);
  assert.equal(told.length, 2);
  assert.equal(wire.isDestroyed, false);
});

const bad = [
  ...[-2, pieceCount, 0x7fffffff, NaN].map((index) => ["have", index]),
  ...[-1, pieceCount, 4_000_000].map((index) => ["request", index, 0, 16_384]),
  ...[-16_384, pieceLength - 1, pieceLength].map((begin) => ["request", 0, begin, 16_384]),
  ...[-5, 0, NaN, pieceLength + 1].map((length) => ["request", 0, 0, length]),
] as const;

for (const [event, ...values] of bad) {
  test(`guardWire() hangs up on ${event} ${values.join(" ")}, and does not tell of it`, () => {
    const { wire, told } = guarded();
    wire.emit(String(event), ...values);
    assert.equal(wire.isDestroyed, true);
    assert.deepEqual(told, []);
  });
}

test("guardWire() hangs up on who asks for more than 8 MiB that it does not take", () => {
  const { wire, told, taken } = guarded();
  const ask = () => wire.emit("request", 0, 0, 65_536);
  for (let block = 0; block < 128; block++) ask();
  taken.bytes = 65_536;
  ask();
  assert.equal(wire.isDestroyed, false);
  ask();
  assert.equal(wire.isDestroyed, true);
  assert.equal(told.length, 129);
  wire.on("close", () => told.push(["close"]));
  wire.emit("close");
  assert.equal(told.length, 130);
});

test("guardWire() hangs up on a message longer than 1 MiB, and hands none of the rest on", () => {
  const { wire } = guarded();
  const half = Buffer.alloc(512 * 1024);
  for (let message = 0; message < 4; message++) {
    wire.write(half);
    wire.emit("bitfield", {});
  }
  wire.write(half);
  wire.write(half);
  assert.equal(wire.isDestroyed, false);
  wire.write(Buffer.alloc(1));
  wire.write(half);
  assert.equal(wire.isDestroyed, true);
  assert.equal(wire.written, 6 * half.length);
});
