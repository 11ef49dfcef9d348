import assert from "node:assert/strict";
import { test } from "node:test";

import { BufferPool } from "./buffer-pool.ts";

test("BufferPool gives a buffer again that came back", () => {
  const pool = new BufferPool(100);
  const buffer = pool.take(60);
  assert.ok(buffer);
  pool.giveBack(buffer);
  assert.equal(pool.take(60), buffer);
});

test("BufferPool hands out no more than its bound, but always one", () => {
  const pool = new BufferPool(100);
  const large = pool.take(500);
  assert.equal(large?.length, 500);
  assert.equal(pool.hasRoom(1), false);
  assert.equal(pool.take(1), undefined);
  pool.giveBack(large);
  assert.equal(pool.hasRoom(500), true);
  assert.ok(pool.take(60));
  assert.equal(pool.take(60), undefined);
  assert.equal(pool.bytesUsed, 60);
});

test("BufferPool lets go of free buffers of other lengths before it exceeds its bound", () => {
  const pool = new BufferPool(100);
  const first = pool.take(80);
  assert.ok(first);
  pool.giveBack(first);
  assert.ok(pool.take(50));
  assert.equal(pool.take(80), undefined);
});
